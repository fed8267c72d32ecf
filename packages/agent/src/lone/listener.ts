import { once } from "node:events";
import { createServer } from "node:https";
import { isIP, type AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { ensureServerCertificate } from "@sallyport/certificates";

/** Where the administration of a lone agent listens. */
export interface AdministrationListenerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Where its own authority and certificate lie; made when missing. */
  tlsDir: string;
  nowMs: number;
  /** More connections wait in the kernel. */
  maxConnections: number;
  fetch(request: Request): Response | Promise<Response>;
}

/** A listener that is up. */
export interface AdministrationListener extends AsyncDisposable {
  /** Such as `https://127.0.0.1:9556`. */
  url: string;
  caFile: string;
}

/** How long answers that are under way may take when the listener closes, ms. */
const closeTimeoutMs = 1_000;

/**
 * Listens with TLS, also on loopback: the administrator's token must not go to whoever took the port while the agent was down.
 * @throws Error when the address can't be used
 */
export async function startAdministrationListener(
  options: AdministrationListenerOptions,
): Promise<AdministrationListener> {
  const { host, port: wanted, tlsDir: dir, nowMs } = options;
  const isWildcard = host === "0.0.0.0" || host === "::";
  const hostNames = [...new Set([...(isWildcard ? [] : [host]), "localhost", "127.0.0.1"])];
  const certificate = await ensureServerCertificate({ dir, owner: "Sallyport agent", hostNames, nowMs });
  const listener = getRequestListener((request) => options.fetch(request), { overrideGlobalObjects: false });
  const { certPem: cert, keyPem: key, caFile } = certificate;
  const server = createServer({ cert, key, minVersion: "TLSv1.2" }, (incoming, outgoing) => {
    void listener(incoming, outgoing);
  });
  server.maxConnections = options.maxConnections;
  server.listen(wanted, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    caFile,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
