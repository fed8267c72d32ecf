// Redis Streams with `appendfsync always`: XADD answers after the fsync; one connection over plain TCP.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "redis";
import { freePort, startDaemon, versionOf } from "../daemon.ts";
import { closedLoop } from "../notifications/closed-loop.ts";
import { jobMessage } from "../notifications/message.ts";
import { number, runProgram, text } from "../program.ts";

runProgram({
  async server(config) {
    const serverPort = await freePort();
    const dir = join(text(config, "dir"), "redis");
    mkdirSync(dir, { recursive: true });
    const settings = {
      bind: "127.0.0.1",
      port: serverPort,
      dir,
      appendonly: "yes",
      appendfsync: "always",
      save: "",
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const daemon = await startDaemon("redis-server", args, serverPort);
    return { facts: { serverPort, version: await versionOf("redis-server", ["-v"]) }, stop: daemon.stop };
  },
  async publisher(config) {
    const client = createClient({ socket: { host: "127.0.0.1", port: number(config, "serverPort") } });
    client.on("error", (error) => process.stderr.write(`${error.message}\n`));
    await client.connect();
    return {
      facts: {},
      ask: (question) =>
        closedLoop(question, (serial) => client.xAdd("bench", "*", { message: jobMessage(serial) })),
    };
  },
});
