// NATS request/reply: HTTPS in, a request over the broker, and back. Its own legs are plain TCP, which favours it.
import { connect, JSONCodec } from "nats";
import { freePort, startDaemon, versionOf } from "../daemon.ts";
import { number, runProgram } from "../program.ts";
import { bridgeServer, bridgeTarget, listen, type BridgedAnswer, type BridgedCall } from "./bridge.ts";

const calls = JSONCodec<BridgedCall>();
const answers = JSONCodec<BridgedAnswer>();

runProgram({
  async broker() {
    const brokerPort = await freePort();
    const daemon = await startDaemon(
      "nats-server",
      ["-a", "127.0.0.1", "-p", String(brokerPort)],
      brokerPort,
    );
    return { facts: { brokerPort, version: await versionOf("nats-server", ["-v"]) }, stop: daemon.stop };
  },
  async agent(config) {
    const execute = bridgeTarget(config);
    const connection = await connect({ servers: `127.0.0.1:${number(config, "brokerPort")}` });
    connection.subscribe("call", {
      callback: (_, message) => {
        void execute(calls.decode(message.data)).then((answer) => message.respond(answers.encode(answer)));
      },
    });
    await connection.flush();
    return { facts: {} };
  },
  async bridge(config) {
    const connection = await connect({ servers: `127.0.0.1:${number(config, "brokerPort")}` });
    const server = bridgeServer(config, async (call) => {
      const reply = await connection.request("call", calls.encode(call), { timeout: 10_000 });
      return answers.decode(reply.data);
    });
    return { facts: { port: await listen(server) } };
  },
});
