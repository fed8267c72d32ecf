// socket.io with acknowledgements: HTTPS in, an event with an acknowledgement over wss, and back.
import { readFileSync } from "node:fs";
import { Server, type Socket } from "socket.io";
import { io } from "socket.io-client";
import { number, runProgram, text } from "../program.ts";
import { bridgeServer, bridgeTarget, listen, type BridgedAnswer, type BridgedCall } from "./bridge.ts";

runProgram({
  async bridge(config) {
    let agent: Socket | undefined;
    const server = bridgeServer(config, async (call) => {
      if (agent === undefined) throw new Error("no agent");
      return (await agent.emitWithAck("call", call)) as BridgedAnswer;
    });
    const sockets = new Server(server, { transports: ["websocket"], perMessageDeflate: false });
    sockets.on("connection", (socket) => (agent = socket));
    return { facts: { port: await listen(server) } };
  },
  async agent(config) {
    const execute = bridgeTarget(config);
    const socket = io(`https://127.0.0.1:${number(config, "port")}`, {
      transports: ["websocket"],
      ca: readFileSync(text(config, "ca"), "utf8"),
    });
    socket.on("call", (call: BridgedCall, answer: (answer: BridgedAnswer) => void) => {
      void execute(call).then(answer);
    });
    await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
    return { facts: {} };
  },
});
