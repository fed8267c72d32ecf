import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import { ensureServerCertificate } from "@sallyport/certificates";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { Executor } from "../executor.ts";

const alive = new AbortController().signal;

/** A server that speaks bytes: what it answers to the n-th request on whatever connection. */
async function startRaw(answer: (request: string, socket: TLSSocket, count: number) => void) {
  using folder = temporaryFolder();
  const dir = folder.path;
  const hostNames = ["127.0.0.1"];
  const own = await ensureServerCertificate({ dir, owner: "test", hostNames, nowMs: Date.now() });
  const sockets = new Set<TLSSocket>();
  const seen: string[] = [];
  const server = createServer({ cert: own.certPem, key: own.keyPem }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
    socket.on("data", (bytes: Buffer) => {
      seen.push(bytes.toString("latin1"));
      answer(bytes.toString("latin1"), socket, seen.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const executor = new Executor({
    origin: `https://127.0.0.1:${port}`,
    ca: [own.caPem],
    maxConnections: 1,
    timeoutMs: 5_000,
    maxBodyBytes: 100_000,
    maxUploadBytes: 100_000,
  });
  return {
    seen,
    sockets,
    get: (uri: string, more = {}) =>
      executor.execute({ uri: `/netbackup/${uri}`, method: "GET", headers: {}, ...more }, alive),
    async [Symbol.asyncDispose]() {
      executor.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const ok = (body: string, more = "") =>
  `HTTP/1.1 200 OK\r\n${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test("upstream client - one connection serves one call after the other", async () => {
  await using upstream = await startRaw((_request, socket, count) => socket.write(ok(`answer ${count}`)));
  assert.equal((await upstream.get("a")).body, "answer 1");
  assert.equal((await upstream.get("b")).body, "answer 2");
  assert.equal(upstream.sockets.size, 1);
});

test("upstream client - what comes behind an answer ends its connection, and is not taken for the next answer", async () => {
  const cut = Promise.withResolvers<void>();
  await using upstream = await startRaw((request, socket) => {
    if (request.includes("/first")) socket.write(ok("first") + ok("smuggled with it"));
    else if (request.includes("/second")) {
      socket.write(ok("second"), () => setImmediate(() => socket.write(ok("smuggled behind it"))));
      socket.once("close", cut.resolve);
    } else socket.write(ok("third"));
  });
  assert.equal((await upstream.get("first")).body, "first");
  assert.equal((await upstream.get("second")).body, "second");
  await cut.promise;
  assert.equal((await upstream.get("third")).body, "third");
});

test("upstream client - what a server does not read of a body is not its next request", async () => {
  await using upstream = await startRaw((_request, socket) => socket.write(ok("done")));
  const parameters = "DELETE /netbackup/catalog/images/x HTTP/1.1\r\n\r\n";
  for (const method of ["GET", "DELETE"]) {
    assert.equal((await upstream.get("a", { method, parameters })).body, "done");
    const head = upstream.seen.at(-1) ?? "";
    assert.match(head, /^connection: close\r$/im);
    assert.match(head, new RegExp(`^content-length: ${parameters.length}\r$`, "im"));
  }
  assert.equal((await upstream.get("a", { method: "POST" })).body, "done");
  assert.match(upstream.seen.at(-1) ?? "", /^content-length: 0\r$/im);
});

test("upstream client - an answer before the upload is whole is the answer, and the connection is not used again", async () => {
  await using upstream = await startRaw((request, socket) => {
    if (request.startsWith("POST")) socket.write(ok("enough"));
    else if (request.startsWith("GET")) socket.write(ok("next"));
  });
  const upload = new Readable({ read() {} });
  upload.push("beginning");
  const isOver = new Promise((resolve) => upload.on("error", () => {}).once("close", resolve));
  assert.equal((await upstream.get("a", { method: "POST", upload })).body, "enough");
  await isOver;
  assert.equal((await upstream.get("b")).body, "next");
});

test("upstream client - another protocol, a cut and a body that breaks off are answered 502", async () => {
  await using upstream = await startRaw((request, socket) => {
    if (request.includes("/upgrade"))
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    else if (request.includes("/short")) socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort");
    else if (request.includes("/cut")) socket.destroy();
    else if (request.includes("/large")) socket.write(ok("x", `x-large: ${"x".repeat(100_000)}\r\n`));
    else socket.write(ok("well"));
  });
  for (const uri of ["upgrade", "short", "cut", "large"]) {
    assert.equal((await upstream.get(uri)).status, 502, uri);
  }
  assert.equal((await upstream.get("well")).body, "well");
  const upload = new Readable({ read() {} });
  const broken = upstream.get("broken", { method: "POST", upload });
  upload.destroy(new Error("the body broke off"));
  assert.equal((await broken).status, 502);
});
