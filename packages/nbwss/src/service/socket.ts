import type { IncomingHttpHeaders } from "node:http";
import { Agent } from "node:https";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import { WebSocket } from "ws";
import { dialReason } from "../dial-reason.ts";
import { NbwssError } from "../errors.ts";
import { proxyFor, type ProxyEnvironment } from "./proxy.ts";

/** How a WebSocket to an endpoint is opened. */
export interface SocketOptions {
  /** What to trust, beside the system's authorities; verification can't be switched off. */
  tls?: Pick<ConnectionOptions, "ca" | "checkServerIdentity"> | undefined;
  proxy?: ProxyEnvironment | undefined;
  /** The subprotocol to offer; none unless said. */
  protocol?: string | undefined;
  /** The largest message that is taken, bytes. */
  maxPayload: number;
}

/** Begins to open a WebSocket: verified, no redirects, no compression. */
export function openSocket(url: URL, { tls, proxy, protocol, maxPayload }: SocketOptions): WebSocket {
  const HTTPS_PROXY = proxyFor(url, proxy);
  return new WebSocket(url, {
    maxPayload,
    perMessageDeflate: false,
    followRedirects: false,
    // Not by ws' own option: ws would refuse an endpoint that selects none, which RFC 6455 allows.
    headers: protocol === undefined ? {} : { "Sec-WebSocket-Protocol": protocol },
    // An agent of its own carries the TLS options that `ws` has no types for.
    agent: new Agent({
      ...tls,
      minVersion: "TLSv1.2",
      ...(HTTPS_PROXY === undefined ? {} : { proxyEnv: { HTTPS_PROXY } }),
    }),
  });
}

/** Resolves with the stream under the WebSocket when it is open. @param onUpgrade told of the headers of the upgrade response */
export function opened(
  socket: WebSocket,
  onUpgrade: (headers: IncomingHttpHeaders) => void,
): Promise<Duplex | undefined> {
  return new Promise((resolve, reject) => {
    let stream: Duplex | undefined;
    socket.once("upgrade", (response) => {
      stream = response.socket;
      onUpgrade({ ...response.headers });
      // ws knows of no offer, so it must not see what was selected.
      delete response.headers["sec-websocket-protocol"];
    });
    socket.once("open", () => resolve(stream));
    // Stays: an error after the first one would otherwise end the process.
    socket.on("error", reject);
  });
}

/** What a failure to open or use a socket is in this package's words. */
export function toDialError(error: unknown, url: URL): NbwssError {
  if (error instanceof NbwssError) return error;
  const why = dialReason(error as NodeJS.ErrnoException);
  return new NbwssError("dial_failed", `${url.host} can't be reached: ${why}`, { cause: error });
}
