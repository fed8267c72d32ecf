import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { ensureServerCertificate } from "@sallyport/certificates";
import { hopByHopHeaders } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Dispatcher } from "undici";
import type { ListenAddress } from "../listen-address.ts";
import type { ServerProcess } from "../server-process.ts";

/** Where the proxy's requests go: the gateway of one primary. */
export interface ProxyTarget {
  dispatcher: Dispatcher;
  origin: string;
  /** What comes before `/netbackup/…`. */
  prefix: string;
  apiKey: string;
}

/** What a proxy is made of. */
export interface ProxyOptions {
  target: ProxyTarget;
  listen: ListenAddress;
  /** Folder for its certificates. */
  tlsDir: string;
  log: Logger;
}

/** A proxy that listens. */
export interface Proxy extends ServerProcess {
  url: string;
  caFile: string;
}

const hopByHop = new Set(hopByHopHeaders);
/** Requests at a time; more wait in their sockets. */
const maxConnections = 256;

/**
 * Listens with TLS and hands every request below `/netbackup/` to the hub's gateway, body and answer streamed. The client's
 * `Authorization`, header or cookie, is for the primary and travels as `X-NetBackup-Authorization`.
 * @throws Error when the address can't be had
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { target, listen, log } = options;
  const { host } = listen;
  const { certPem, keyPem, caFile } = await ensureServerCertificate({
    dir: options.tlsDir,
    owner: "Sallyport proxy",
    hostNames: ["localhost", "127.0.0.1", "::1"],
    nowMs: Date.now(),
  });
  const tls: ServerOptions = {
    cert: certPem,
    key: keyPem,
    minVersion: "TLSv1.2",
    // As the primary itself takes them: clients of HTTP/1.0 name no host.
    ALPNProtocols: ["http/1.1", "http/1.0"],
    requireHostHeader: false,
  };
  const server = createServer(tls, (request, response) => {
    forward(target, request, response).catch((err: unknown) => {
      log.warn({ err }, "proxy.request_failed");
      fail(response, 502, "the hub can't be reached through this proxy; its log says why");
    });
  });
  server.maxConnections = maxConnections;
  server.listen(listen.port, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    caFile,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function forward(
  target: ProxyTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url = "/", method = "GET" } = request;
  if (!url.startsWith("/netbackup/")) {
    fail(response, 404, "this proxy has /netbackup/ only");
    return;
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const hasBody =
    request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  const answer = await target.dispatcher.request({
    origin: target.origin,
    path: `${target.prefix}${url}`,
    // NBWSS has no HEAD: it is GET, of which the client gets the head.
    method: method === "HEAD" ? "GET" : method,
    headers: headersFor(target, request),
    body: hasBody ? request : null,
    signal: gone.signal,
    // The hub ends every command by its deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !hopByHop.has(name)) response.setHeader(name, value);
  }
  response.statusCode = answer.statusCode;
  if (method === "HEAD") {
    await answer.body.dump();
    response.end();
    return;
  }
  await pipeline(answer.body, response);
}

function headersFor(target: ProxyTarget, { headers }: IncomingMessage): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && name !== "host" && name !== "expect" && !hopByHop.has(name))
      kept[name] = value;
  }
  const authorization = headers.authorization ?? cookieToken(headers.cookie);
  if (authorization !== undefined) kept["x-netbackup-authorization"] = authorization;
  return { ...kept, authorization: `Bearer ${target.apiKey}` };
}

/** NetBackup's web clients send the token as a cookie of this name; the hub passes no cookies on. */
function cookieToken(cookie: string | undefined): string | undefined {
  return /(?:^|;\s*)Authorization=([^;\s]+)/.exec(cookie ?? "")?.[1];
}

function fail(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ errorCode: 25, errorMessage: message, errorDetails: [] });
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
