import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { isIP, type AddressInfo } from "node:net";
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
  const listener = listenerOf((request) => options.fetch(request));
  const { certPem: cert, keyPem: key, caFile } = certificate;
  const server = createServer({ cert, key, minVersion: "TLSv1.2" }, listener);
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

/** What makes requests and responses of Fetch is loaded with the first request: most agents are never asked anything, and it takes 6 MiB. */
function listenerOf(fetch: AdministrationListenerOptions["fetch"]): RequestListener {
  let loading: Promise<(incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>> | undefined;
  return (incoming, outgoing) => {
    loading ??= import("@hono/node-server").then(({ getRequestListener }) =>
      getRequestListener(fetch, { overrideGlobalObjects: false }),
    );
    loading.then(
      (listener) => listener(incoming, outgoing),
      () => {
        // Its files have gone, as while an upgrade writes them: the next request tries again.
        loading = undefined;
        outgoing.writeHead(503).end();
      },
    );
  };
}
