// NATS JetStream, publish with acknowledgement, file storage, one connection over plain TCP.
import { join } from "node:path";
import { connect, StorageType } from "nats";
import { freePort, startDaemon, versionOf } from "../daemon.ts";
import { closedLoop } from "../notifications/closed-loop.ts";
import { jobMessage } from "../notifications/message.ts";
import { number, runProgram, text } from "../program.ts";

runProgram({
  async server(config) {
    const serverPort = await freePort();
    const dir = join(text(config, "dir"), "jetstream");
    const args = ["-a", "127.0.0.1", "-p", String(serverPort), "-js", "-sd", dir];
    const daemon = await startDaemon("nats-server", args, serverPort);
    return { facts: { serverPort, version: await versionOf("nats-server", ["-v"]) }, stop: daemon.stop };
  },
  async publisher(config) {
    const connection = await connect({ servers: `127.0.0.1:${number(config, "serverPort")}` });
    const streams = (await connection.jetstreamManager()).streams;
    await streams.add({ name: "bench", subjects: ["bench"], storage: StorageType.File });
    const stream = connection.jetstream();
    const encoder = new TextEncoder();
    return {
      facts: {},
      ask: (question) =>
        closedLoop(question, (serial) => stream.publish("bench", encoder.encode(jobMessage(serial)))),
    };
  },
});
