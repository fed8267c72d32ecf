// The REST server behind everything: 300 bytes of JSON for any request, over HTTP and (for what tunnels bytes) HTTPS.
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { runProgram, text } from "../program.ts";

const body = Buffer.from(JSON.stringify({ data: { type: "job", id: "4711", pad: "x".repeat(259) } }));

function answer(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length });
  response.end(body);
}

runProgram({
  async target(config) {
    const tls = { cert: readFileSync(text(config, "cert")), key: readFileSync(text(config, "key")) };
    const target = createServer({ keepAliveTimeout: 60_000 }, answer);
    const secure = createSecureServer({ ...tls, keepAliveTimeout: 60_000 }, answer);
    return {
      facts: { targetPort: await listen(target), secureTargetPort: await listen(secure), bytes: body.length },
    };
  },
});

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
