import { once } from "node:events";
import { createServer } from "node:http";
import { isIP, type AddressInfo } from "node:net";

/** What a monitoring system on the same machine is answered. */
export interface MonitoringOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** The text of `/metrics`, and its type. */
  metrics: () => { text: string; type: string };
  /** More connections wait in the kernel. */
  maxConnections: number;
}

/** A listener that is up. */
export interface MonitoringListener extends AsyncDisposable {
  /** Such as `http://127.0.0.1:9557`. */
  url: string;
}

/** Whether an address is of this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * Answers `/healthz` and `/metrics` without TLS and token, on loopback alone: there is no secret in them, and whoever is on the machine may
 * know that the agent runs.
 * @throws TypeError for an address that others can reach, Error when it can't be used
 */
export async function startMonitoringListener(options: MonitoringOptions): Promise<MonitoringListener> {
  const { host, port: wanted, metrics } = options;
  if (!isLoopback(host))
    throw new TypeError(`monitoring is for this machine alone: ${host} is no loopback address`);
  const server = createServer((request, response) => {
    const send = (status: number, type: string, text: string) =>
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    const plain = "text/plain; charset=utf-8";
    // Not for a web page that a browser on this machine shows.
    if (request.headers.origin !== undefined) return void send(403, plain, "not for browsers\n");
    if (request.method !== "GET") return void send(405, plain, "only GET\n");
    if (request.url === "/healthz") return void send(200, plain, "ok\n");
    if (request.url !== "/metrics") return void send(404, plain, "there are /healthz and /metrics\n");
    try {
      const { text, type } = metrics();
      send(200, type, text);
    } catch {
      // The database can't be read: the disk, say. That is what a monitoring system wants to know.
      send(500, plain, "the agent can't read its database\n");
    }
  });
  server.maxConnections = options.maxConnections;
  server.listen(wanted, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
