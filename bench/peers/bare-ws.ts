// A bare `ws` server over TLS that answers CONNECT: what a connection costs at the least.
import { createServer } from "node:https";
import { WebSocketServer } from "ws";
import { number, runProgram } from "../program.ts";
import { tlsOf } from "./bridge.ts";

runProgram({
  async server(config) {
    const server = createServer(tlsOf(config));
    const acceptor = new WebSocketServer({ server, path: "/nbwss", perMessageDeflate: false });
    acceptor.on("connection", (socket) => {
      socket.on("message", (data) => {
        const { id, timeStamp } = JSON.parse((data as Buffer).toString()) as {
          id: string;
          timeStamp: number;
        };
        const payload = { valid: true };
        socket.send(
          JSON.stringify({ version: "1.0", id, type: "CONNECT", subType: "RESPONSE", timeStamp, payload }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(number(config, "port"), "127.0.0.1", resolve));
    return { facts: {} };
  },
});
