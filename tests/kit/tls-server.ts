import { once } from "node:events";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { ensureServerCertificate } from "@sallyport/certificates";
import { temporaryFolder } from "./folder.ts";

/** A real HTTPS server on loopback and a free port, with an authority of its own. */
export interface TlsServer extends AsyncDisposable {
  server: Server;
  port: number;
  /** Such as `https://127.0.0.1:40123`. */
  origin: string;
  caPem: string;
  /** Stops listening and cuts every connection. */
  stop(): Promise<void>;
}

/** Starts an HTTPS server; the same `dir` gives the same certificate again. */
export async function startTlsServer(
  listener?: RequestListener,
  options: ServerOptions & { dir?: string; port?: number } = {},
): Promise<TlsServer> {
  const { dir, port: wanted = 0, ...serverOptions } = options;
  using folder = temporaryFolder();
  const certificate = await ensureServerCertificate({
    dir: dir ?? folder.path,
    owner: "test",
    hostNames: ["localhost", "127.0.0.1"],
    nowMs: Date.now(),
  });
  const server = createServer(
    { ...serverOptions, cert: certificate.certPem, key: certificate.keyPem },
    listener,
  );
  server.listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  const origin = `https://127.0.0.1:${port}`;
  return { server, port, origin, caPem: certificate.caPem, stop, [Symbol.asyncDispose]: stop };
}
