// @fastify/http-proxy: a reverse proxy without a tunnel.
import { fastify } from "fastify";
import proxy from "@fastify/http-proxy";
import { number, runProgram } from "../program.ts";
import { tlsOf } from "./bridge.ts";

runProgram({
  async proxy(config) {
    const app = fastify({ https: tlsOf(config), logger: false });
    await app.register(proxy, { upstream: `http://127.0.0.1:${number(config, "targetPort")}` });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const address = app.server.address();
    return { facts: { port: typeof address === "object" && address !== null ? address.port : 0 } };
  },
});
