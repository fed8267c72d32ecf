import { EventEmitter } from "node:events";
import type { Readable } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import type SendRequest from "undici/lib/api/api-request.js";

/** One call of the upstream. */
export interface UpstreamCall {
  method: string;
  /** Path and query, as they are sent. */
  path: string;
  /** Without those of the hop; a streamed body's `content-length` is taken from here. */
  headers: Record<string, string>;
  body: string | Readable | undefined;
}

/** What the upstream answered; `body` has to be read or destroyed. */
export type UpstreamResponse = Pick<Dispatcher.ResponseData, "statusCode" | "headers" | "body">;

/** A call under way. */
export interface StartedCall {
  response: Promise<UpstreamResponse>;
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

/** Tells undici that a call is to end: AbortSignal.any and AbortSignal.timeout cost as much as the call itself. */
class Ending extends EventEmitter {
  reason: Error | undefined;
}

/** HTTP/1.1 to one origin. Follows no redirect, takes no other protocol, uses no proxy, sets no deadline. */
export class UpstreamClient {
  readonly #options: UpstreamClientOptions;
  #loaded: Promise<{ pool: Pool; sendRequest: typeof SendRequest }> | undefined;

  constructor(options: UpstreamClientOptions) {
    this.#options = options;
  }

  /** Starts a call. What can't be sent, such as a header with a line break, rejects; nothing was sent then. */
  start(call: UpstreamCall): StartedCall {
    const ending = new Ending();
    const { promise: response, resolve, reject } = Promise.withResolvers<UpstreamResponse>();
    this.#send(call, ending).then(resolve, reject);
    return {
      response,
      cancel(error) {
        // One that waits for a connection would tell of its end only when it got one.
        reject(error);
        ending.reason = error;
        ending.emit("abort");
      },
    };
  }

  /** Ends all calls and connections. */
  close(): void {
    void this.#loaded?.then(({ pool }) => pool.destroy(new Error("the agent is stopping")));
  }

  async #send({ method, path, headers, body }: UpstreamCall, ending: Ending): Promise<UpstreamResponse> {
    this.#loaded ??= this.#load();
    const { pool, sendRequest } = await this.#loaded;
    if (ending.reason !== undefined) throw ending.reason;
    const reset = body !== undefined && !withBody.has(method);
    return await sendRequest.call(pool, {
      method,
      path,
      headers,
      body: body ?? null,
      reset,
      signal: ending,
    });
  }

  /** With the first call: an agent that makes none does without some 2 MiB. */
  async #load() {
    const [{ default: OriginPool }, { default: sendRequest }] = await Promise.all([
      import("undici/lib/dispatcher/pool.js"),
      import("undici/lib/api/api-request.js"),
    ]);
    const { origin, ca, maxConnections } = this.#options;
    const pool = new OriginPool(origin, {
      connections: maxConnections,
      connect: { ca, minVersion: "TLSv1.2", timeout: connectTimeoutMs },
      keepAliveTimeout: keepAliveMs,
      // Whoever calls sets the deadline of the head, and who reads says how long a body may stand still.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { pool, sendRequest };
  }
}
