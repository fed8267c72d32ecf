import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as startRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** One call of the upstream. */
export interface UpstreamCall {
  method: string;
  /** Path and query, as they are sent. */
  path: string;
  /** Without those of the hop; a streamed body's `content-length` is taken from here. */
  headers: Record<string, string>;
  body: string | Readable | undefined;
}

/** A call under way. */
export interface StartedCall {
  /** Status, headers and the body, which has to be read or destroyed. */
  response: Promise<IncomingMessage>;
  /** Ends it wherever it stands, its connection too. */
  cancel(error: Error): void;
}

/** What a client is made of. */
export interface UpstreamClientOptions {
  /** Such as `https://127.0.0.1:1556`. */
  origin: string;
  /** Authorities to verify it against, PEM. */
  ca: string[];
  /** More calls wait for one of these. */
  maxConnections: number;
}

/** How long a connection is kept that nobody uses, ms: shorter than any server keeps it, so that no call meets its end. */
const keepAliveMs = 4_000;
/** How long TCP and TLS may take together, ms. */
const connectTimeoutMs = 10_000;
/** Methods whose bodies every server reads. After another one that has a body the connection is not used again: what a server leaves unread of it would be its next request. */
const withBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/**
 * HTTP/1.1 over TLS to one origin, by Node's own client, which is in memory anyhow for the WebSocket. Follows no redirect, takes no other
 * protocol, uses no proxy.
 */
export class UpstreamClient {
  readonly #url: URL;
  readonly #agent: Agent;
  readonly #running = new Set<(error: Error) => void>();

  constructor({ origin, ca, maxConnections }: UpstreamClientOptions) {
    this.#url = new URL(origin);
    this.#agent = new Agent({
      ca,
      minVersion: "TLSv1.2",
      keepAlive: true,
      maxSockets: maxConnections,
      maxFreeSockets: maxConnections,
      timeout: keepAliveMs,
    });
  }

  /** Starts a call. @throws TypeError for a header or path that can't be sent; nothing was sent then */
  start({ method, path, headers, body }: UpstreamCall): StartedCall {
    const request = startRequest({
      agent: this.#agent,
      host: this.#url.hostname.replaceAll(/[[\]]/g, ""),
      port: this.#url.port === "" ? 443 : this.#url.port,
      method,
      path,
      headers: { ...headers, ...framing(method, headers, body) },
    });
    const { promise: response, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const cancel = (error: Error): void => {
      // One that waits for a connection would tell of its end only when it got one.
      reject(error);
      request.destroy(error);
    };
    this.#running.add(cancel);
    request.on("error", reject);
    request.once("close", () => {
      this.#running.delete(cancel);
      reject(new Error("the server closed the connection without an answer"));
    });
    request.once("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new Error("the server wants to speak another protocol"));
    });
    request.once("response", (answer: IncomingMessage) => {
      // What is left of the upload would hold the connection.
      answer.once("end", () => {
        if (!request.writableFinished) request.destroy();
      });
      resolve(answer);
    });
    limitConnecting(request, cancel);
    if (body instanceof Readable) pipeline(body, request).catch(cancel);
    else request.end(body);
    return { response, cancel };
  }

  /** Ends all calls and connections. */
  close(): void {
    for (const cancel of this.#running) cancel(new Error("the agent is stopping"));
    this.#agent.destroy();
  }
}

/** How the server finds the end of the body: always said, whatever the method. */
function framing(
  method: string,
  headers: Record<string, string>,
  body: UpstreamCall["body"],
): Record<string, string> {
  if (body === undefined) return withBody.has(method) ? { "content-length": "0" } : {};
  const connection: Record<string, string> = withBody.has(method) ? {} : { connection: "close" };
  if (typeof body === "string") return { "content-length": String(Buffer.byteLength(body)), ...connection };
  return headers["content-length"] === undefined
    ? { "transfer-encoding": "chunked", ...connection }
    : connection;
}

function limitConnecting(request: ClientRequest, cancel: (error: Error) => void): void {
  request.once("socket", (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(
      () => cancel(new Error(`it could not be connected within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    const stop = () => clearTimeout(timer);
    socket.once("secureConnect", stop).once("close", stop);
  });
}
