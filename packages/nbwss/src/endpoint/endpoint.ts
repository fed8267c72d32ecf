import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { systemClock, type Clock } from "../clock.ts";
import { defaultLimits, type NbwssLimits } from "../limits.ts";
import { probeProtocol } from "../probe/protocol.ts";
import { ProbeCount, serveProbe, type ProbeHandler } from "../probe/serve.ts";
import { connectionIdHeader, sallyportProtocol } from "../subprotocol.ts";
import { serveSocket, type AcceptedSocket, type EndpointHandler, type ServedSocket } from "./handshake.ts";

/** How an endpoint is attached to a server. */
export interface EndpointOptions<Identity> extends EndpointHandler<Identity> {
  /** The path of the WebSocket; `/nbwss` unless said. */
  path?: string;
  limits?: Partial<NbwssLimits>;
  /** Where a primary dials from, when that is not the address of its socket: behind a proxy. */
  remoteAddressOf?: (request: IncomingMessage) => string;
  clock?: Clock;
  /** False to speak NBWSS 1.0 only, also to those who offer `sallyport.v1`. */
  extensions?: boolean;
  /** How often primaries that speak `sallyport.v1` are to say how they are, ms, 100 to an hour; an hour unless said. */
  healthIntervalMs?: number | undefined;
  /** Offers `sallyport.probe.v1`: primaries may find out how long a connection may be silent. Not offered without. */
  probes?: ProbeHandler<Identity>;
  /** Makes the tracking id of a connection; a UUID unless said. */
  newConnectionId?(): string;
}

/** An endpoint that takes connections until it is closed. */
export interface Endpoint extends AsyncDisposable {
  /** Sockets that have not proved themselves yet. */
  readonly unproven: number;
  /** Probes of `sallyport.probe.v1` whose token was accepted. */
  readonly probing: number;
  /** Takes no more connections (a primary that tries is answered 503); those there are go on. */
  stopAccepting(): void;
  /**
   * Takes no more connections (a primary that tries is answered 503) and closes those there are; resolves when all are gone. Calling it again returns
   * the same promise.
   * @param code 1012 unless said: primaries then come back, or move to another endpoint
   */
  close(code?: number, reason?: string): Promise<void>;
}

/**
 * Lets primaries connect to a path of a Node HTTP or HTTPS server (NBWSS, the endpoint's side). TLS is the server's:
 * a primary refuses `ws://`. Compression is off: it costs memory for each connection.
 *
 * @example
 * const endpoint = attachEndpoint(server, {
 *   authenticate: async (token) => primariesByToken.get(token),
 *   connected: (connection) => console.log("connected", connection.identity),
 *   notified: async (connection, notification) => store(notification.payload),
 * });
 */
export function attachEndpoint<Identity>(
  server: Server | SecureServer,
  options: EndpointOptions<Identity>,
): Endpoint {
  const path = options.path ?? "/nbwss";
  const limits = { ...defaultLimits, ...options.limits };
  const { healthIntervalMs } = options;
  const context = { handler: options, limits, clock: options.clock ?? systemClock, healthIntervalMs };
  const sockets = new Set<ServedSocket>();
  const acceptor = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols(offered) {
      if (options.extensions !== false && offered.has(sallyportProtocol)) return sallyportProtocol;
      if (options.probes !== undefined && offered.has(probeProtocol)) return probeProtocol;
      // One that is unknown here is taken as ws does by default: some clients insist on one.
      const own = [sallyportProtocol, probeProtocol];
      const [other = false] = [...offered].filter((name) => !own.includes(name));
      return other;
    },
  });
  const trackingIds = new WeakMap<IncomingMessage, string>();
  acceptor.on("headers", (headers, request) => {
    headers.push(`${connectionIdHeader}: ${trackingIds.get(request) ?? ""}`);
  });
  const count = new ProbeCount();
  let isAccepting = true;
  let unproven = 0;
  let closing: Promise<void> | undefined;

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    if (request.url?.split("?", 1)[0] !== path) {
      // Another listener may serve other paths; only the last one may turn a stranger away.
      if (server.listenerCount("upgrade") === 1) refuse(stream, "404 Not Found");
      return;
    }
    if (!isAccepting || unproven >= limits.maxUnproven) {
      refuse(stream, "503 Service Unavailable");
      return;
    }
    const trackingId = options.newConnectionId?.() ?? randomUUID();
    trackingIds.set(request, trackingId);
    const remoteAddress = options.remoteAddressOf?.(request) ?? request.socket.remoteAddress ?? "unknown";
    acceptor.handleUpgrade(request, stream, head, (socket) => {
      serve({ socket, stream, remoteAddress, trackingId });
    });
  }

  /** Not within `upgrade`: what is made here lives as long as the connection, and would keep the request with all its headers. */
  function serve(accepted: Omit<AcceptedSocket, "extended" | "proven">): void {
    unproven += 1;
    let counted = true;
    const proven = () => {
      if (counted) unproven -= 1;
      counted = false;
    };
    const { protocol } = accepted.socket;
    const { probes } = options;
    const all = { ...accepted, extended: protocol === sallyportProtocol, proven };
    const served =
      probes !== undefined && protocol === probeProtocol
        ? serveProbe(context, all, { probes, count })
        : serveSocket(context, all);
    sockets.add(served);
    void served.closed.then(() => sockets.delete(served));
  }
  server.on("upgrade", upgrade);

  return {
    get unproven() {
      return unproven;
    },
    get probing() {
      return count.total;
    },
    stopAccepting() {
      isAccepting = false;
    },
    close(code = 1012, reason = "the endpoint is shutting down") {
      isAccepting = false;
      closing ??= (async () => {
        const ending = [...sockets].map((served) => {
          served.close(code, reason);
          return served.closed;
        });
        await Promise.all(ending);
      })();
      return closing;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

function refuse(stream: Duplex, status: string): void {
  // The peer may be gone already; there is nobody left to tell.
  stream.on("error", () => stream.destroy());
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
