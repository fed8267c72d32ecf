import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { isIP, type AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { limits } from "./limits.ts";

/** Where to listen, and with what certificate. */
export interface ServerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  certPem: string;
  keyPem: string;
  fetch: (request: Request, env: object) => Promise<Response> | Response;
}

/** A listener that is up. */
export interface RunningServer extends AsyncDisposable {
  /** Without a path, such as `https://127.0.0.1:1556`. */
  url: string;
  port: number;
  /** Stops listening and ends the connections; calling it again does nothing. */
  close: () => Promise<void>;
}

/** Listens with TLS. @throws Error when the address can't be used */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, certPem, keyPem } = options;
  const listener = getRequestListener((request, env) => options.fetch(request, env), {
    overrideGlobalObjects: false,
  });
  const server = createServer({ cert: certPem, key: keyPem, minVersion: "TLSv1.2" }, (incoming, outgoing) => {
    void listener(incoming, outgoing);
  });
  server.maxConnections = limits.maxConnections;
  server.listen(options.port, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeServer(server));
  return { url: `https://${shown}:${port}`, port, close, [Symbol.asyncDispose]: close };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  // Answers are short; what is left then is a client that does not read.
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await closed;
  clearTimeout(timer);
}
