import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { HubLimits } from "./config/limits.ts";

/** Makes the HTTPS server with the hub's bounds; its certificate is set when it starts to listen. */
export function makeServer(
  limits: HubLimits,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      minVersion: "TLSv1.2",
      handshakeTimeout: limits.headersTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      // BodyDeadlines keeps `requestTimeoutMs`: an upload that streams through may take longer.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
    },
    onRequest,
  );
  server.maxConnections = limits.maxTcpConnections;
  return server;
}

/**
 * Starts to listen.
 * @throws Error when the address can't be had
 */
export function startListening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Stops listening and ends idle and running HTTP connections. */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
