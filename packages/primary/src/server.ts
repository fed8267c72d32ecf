import { once } from "node:events";
import { STATUS_CODES } from "node:http";
import { createServer, type Server } from "node:https";
import { isIP, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { answerType, newestVersion } from "./api/media-type.ts";
import { errorBody } from "./api/netbackup-error.ts";
import { PrimaryError } from "./errors.ts";
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
    // What reaches us is an address or a Host that makes no URL; what fails behind it the API answers itself.
    errorHandler: () =>
      answerOutside(new PrimaryError("invalid_request", "the request's address can't be read")),
  });
  const server = createServer(
    {
      cert: certPem,
      key: keyPem,
      minVersion: "TLSv1.2",
      // Clients of HTTP/1.0 say so while TLS begins, and name no host.
      ALPNProtocols: ["http/1.1", "http/1.0"],
      requireHostHeader: false,
    },
    (incoming, outgoing) => {
      incoming.headers.host ??= `${incoming.socket.localAddress}:${incoming.socket.localPort}`;
      void listener(incoming, outgoing);
    },
  );
  // Whatever else than "100-continue" a client expects, it gets the answer.
  server.on("checkExpectation", (incoming, outgoing) => void listener(incoming, outgoing));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(error, socket));
  server.maxConnections = limits.maxConnections;
  server.listen(options.port, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeServer(server));
  return { url: `https://${shown}:${port}`, port, close, [Symbol.asyncDispose]: close };
}

function answerOutside(error: PrimaryError): Response {
  const headers = { "content-type": answerType("json", newestVersion) };
  return new Response(JSON.stringify(errorBody(error)), { status: error.httpStatus, headers });
}

/** What can't be read as HTTP is refused like everything else; clients parse the body of any answer. */
function refuse({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const error =
    code === "HPE_HEADER_OVERFLOW"
      ? new PrimaryError("headers_too_large", "the request's headers are too large")
      : code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? new PrimaryError("too_slow", "the request did not come in time")
        : new PrimaryError("invalid_request", "this can't be read as HTTP");
  const body = JSON.stringify(errorBody(error));
  const head = [
    `HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus]}`,
    `content-type: ${answerType("json", newestVersion)}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
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
