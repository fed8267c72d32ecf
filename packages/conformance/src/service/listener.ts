import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { ensureServerCertificate } from "@sallyport/certificates";
import { systemClock, type Clock } from "@sallyport/nbwss";
import { WebSocketServer } from "ws";
import { defaultServiceTiming, maxWaitingConnections } from "../limits.ts";
import { Wire } from "../wire.ts";

/** Where and as whom the suite's cloud application listens. */
export interface ListenerOptions {
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** `wss://HOST[:PORT]/nbwss` as the primary reaches it; the listening address unless said. */
  publicUrl?: string | undefined;
  /** PEM. Without it the listener makes an authority of its own in `dataDir`. */
  tls?: { cert: string; key: string } | undefined;
  /** Folder for the authority and the certificate; needed without `tls`. */
  dataDir?: string | undefined;
  /** The token of the endpoint details; made unless said. */
  token?: string | undefined;
  clock?: Clock | undefined;
}

/** What the primary's administrator adds (NBWSS, roles). */
export interface EndpointDetails {
  token: string;
  priority: number;
  groupId: string;
  hostName: string;
  url: string;
}

const path = "/nbwss";

/** A cloud endpoint of raw `ws` that takes whatever dials it, for the checks to judge. Use: start, test, close. */
export class PrimaryListener implements AsyncDisposable {
  readonly details: EndpointDetails;
  /** The certificate of its own authority, when it has one. */
  readonly caFile: string | undefined;
  /** Every connection that there was, for what has to hold of all. */
  readonly wires: Wire[] = [];
  /** How often a second connection was made while the first still stood. */
  overlaps = 0;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #waiting: Wire[] = [];
  #look: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, details: EndpointDetails, caFile: string | undefined, clock: Clock) {
    this.#server = server;
    this.details = details;
    this.caFile = caFile;
    this.#clock = clock;
    const acceptor = new WebSocketServer({
      noServer: true,
      autoPong: false,
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: 4 * defaultServiceTiming.maxMessageBytes,
      // NBWSS 1.0 knows of no subprotocol; ws would select whatever is offered.
      handleProtocols: () => false,
    });
    server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      if (request.url?.split("?", 1)[0] !== path) {
        stream.on("error", () => stream.destroy());
        stream.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      acceptor.handleUpgrade(request, stream, head, (socket) => {
        this.#arrived(new Wire(socket, { clock }));
      });
    });
  }

  /** Starts to listen. @throws Error when the address or the files can't be had */
  static async start(options: ListenerOptions): Promise<PrimaryListener> {
    const { host, port, dataDir, clock = systemClock } = options;
    const server = createServer({ minVersion: "TLSv1.2" });
    server.listen(port, host);
    await once(server, "listening");
    try {
      const { port: taken } = server.address() as AddressInfo;
      const shownHost = host.includes(":") ? `[${host}]` : host;
      const url = new URL(options.publicUrl ?? `wss://${shownHost}:${taken}${path}`);
      if (url.pathname !== path) throw new Error(`the URL's path has to be ${path}`);
      const hostName = url.hostname.replaceAll(/[[\]]/g, "");
      let caFile: string | undefined;
      if (options.tls === undefined) {
        if (dataDir === undefined)
          throw new Error("without a certificate, a folder is needed to make one in");
        const own = await ensureServerCertificate({
          dir: join(dataDir, "tls"),
          owner: "Sallyport conformance",
          hostNames: [hostName],
          nowMs: clock.now(),
        });
        caFile = own.caFile;
        server.setSecureContext({ cert: own.certPem, key: own.keyPem });
      } else server.setSecureContext(options.tls);
      const token = options.token ?? randomBytes(32).toString("base64url");
      const details = { token, priority: 1, groupId: "conformance", hostName, url: url.href };
      return new PrimaryListener(server, details, caFile, clock);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  /** Connections that stand at this moment. */
  get standing(): number {
    return this.wires.filter((wire) => wire.isOpen && !wire.isAbandoned).length;
  }

  /** The next connection that still stands. @returns undefined when none comes in time */
  async next(withinMs: number): Promise<Wire | undefined> {
    const { promise, resolve } = Promise.withResolvers<Wire | undefined>();
    const look = () => {
      while (this.#waiting.length > 0) {
        const wire = this.#waiting.shift();
        if (wire?.isOpen === true) return resolve(wire);
      }
    };
    this.#look = look;
    const timer = this.#clock.after(withinMs, () => resolve(undefined));
    look();
    const wire = await promise;
    timer.cancel();
    this.#look = undefined;
    return wire;
  }

  /** Stops listening and ends every connection. Calling it again returns the same promise. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const closed = once(this.#server, "close");
      this.#server.close();
      await Promise.all(this.wires.map((wire) => wire[Symbol.asyncDispose]()));
      this.#server.closeAllConnections();
      await closed;
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #arrived(wire: Wire): void {
    const older = this.wires.find((other) => other.isOpen && !other.isAbandoned);
    this.wires.push(wire);
    if (this.#waiting.length >= maxWaitingConnections) wire.cut();
    else this.#waiting.push(wire);
    if (older !== undefined) {
      // The end of the older one may be on its way.
      const timer = this.#clock.after(defaultServiceTiming.quietMs, () => {
        if (older.isOpen && !older.isAbandoned) this.overlaps += 1;
      });
      void older.closed.then(() => timer.cancel());
    }
    this.#look?.();
  }
}
