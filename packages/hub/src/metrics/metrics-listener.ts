import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP, type AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

/** What the listener serves, and where. */
export interface MetricsListenerOptions {
  metrics: Metrics;
  logger: Logger;
  /** A loopback address: there is neither TLS nor a key. */
  host: string;
  /** 0 for any that is free. */
  port: number;
}

/** A scraper asks from time to time; a few at once are plenty. */
const maxConnections = 64;

/** Serves `GET /metrics` over plain HTTP to this machine alone, for a Prometheus or agent that runs beside the hub. */
export class MetricsListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #metrics: Metrics;
  readonly #logger: Logger;

  private constructor({ metrics, logger }: MetricsListenerOptions) {
    this.#metrics = metrics;
    this.#logger = logger;
    this.#server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = maxConnections;
  }

  /**
   * Starts to listen.
   * @throws Error when the address can't be had
   */
  static async start(options: MetricsListenerOptions): Promise<MetricsListener> {
    const listener = new MetricsListener(options);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port, options.host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (err) => options.logger.error({ err }, "metrics.listener_error"));
    options.logger.info({ url: listener.url }, "metrics.listening");
    return listener;
  }

  /** Where the metrics are. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/metrics`;
  }

  /** Stops; calling it again does nothing. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Never rejects: every failure is an answer. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const [status, body] = await this.#find(request);
      const type = status === 200 ? this.#metrics.contentType : "text/plain; charset=utf-8";
      response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" });
      response.end(request.method === "HEAD" ? undefined : body);
    } catch (err) {
      this.#logger.error({ err }, "metrics.failed");
      response.writeHead(500).end();
    }
  }

  async #find({ method, url, headers }: IncomingMessage): Promise<[status: number, body: string]> {
    // A page in a browser on this machine could otherwise make its own name point here and read the answer.
    if (!isOwnHost(headers.host ?? "")) return [421, "ask for this machine's loopback address\n"];
    if (url?.split("?", 1)[0] !== "/metrics") return [404, "only /metrics is here\n"];
    if (method !== "GET" && method !== "HEAD") return [405, "only GET is possible\n"];
    return [200, await this.#metrics.text()];
  }
}

function isOwnHost(host: string): boolean {
  const name = host.replace(/:\d+$/, "").replaceAll(/^\[|\]$/g, "");
  return name === "localhost" || isIP(name) !== 0;
}
