// rpc-websockets: JSON-RPC over wss. Its calls go from client to server, so the bridge is the client here and the agent
// the server: the direction that a firewall forbids, the same work.
import { readFileSync } from "node:fs";
import { Client, Server } from "rpc-websockets";
import { number, runProgram, text } from "../program.ts";
import { bridgeServer, bridgeTarget, listen, tlsOf, type BridgedAnswer, type BridgedCall } from "./bridge.ts";
import { createServer } from "node:https";

runProgram({
  async agent(config) {
    const execute = bridgeTarget(config);
    const secure = createServer(tlsOf(config));
    const agentPort = await listen(secure);
    const server = new Server({ server: secure });
    server.register("call", (call: BridgedCall) => execute(call));
    return { facts: { agentPort } };
  },
  async bridge(config) {
    const client = new Client(`wss://127.0.0.1:${number(config, "agentPort")}`, {
      ca: readFileSync(text(config, "ca"), "utf8"),
      max_reconnects: 0,
    });
    await new Promise<void>((resolve) => client.on("open", () => resolve()));
    const server = bridgeServer(config, async (call) => (await client.call("call", call)) as BridgedAnswer);
    return { facts: { port: await listen(server) } };
  },
});
