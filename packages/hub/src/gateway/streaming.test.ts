// Bodies that stream through the hub to and from primaries that speak sallyport.v1.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { connect } from "node:tls";
import type { ServiceAnswer, ServiceHandler } from "@sallyport/nbwss";
import { WebSocket } from "ws";
import type { HubOptions } from "../index.ts";
import { adminKey, HubFixture } from "../testing/hub-fixture.ts";

const mib = 1024 * 1024;

async function withPrimary(execute: ServiceHandler["execute"], options: Partial<HubOptions> = {}) {
  await using stack = new AsyncDisposableStack();
  const fixture = stack.use(await HubFixture.start(options));
  const primary = await fixture.enrol();
  const connection = await fixture.dial(primary, execute);
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  const owned = stack.move();
  return { fixture, connection, base, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Random bytes, made as they are read; counts them. */
class Source extends Readable {
  made = 0;
  readonly hash = createHash("sha256");
  readonly #bytes: number;

  constructor(bytes: number) {
    super();
    this.#bytes = bytes;
  }

  override _read(): void {
    const size = Math.min(50_000, this.#bytes - this.made);
    const chunk = size === 0 ? null : randomBytes(size);
    if (chunk !== null) this.hash.update(chunk);
    this.made += size;
    this.push(chunk);
  }
}

async function digest(body: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of body) hash.update(chunk);
  return hash.digest("hex");
}

const streamed = (content: Readable, contentBytes?: number): ServiceAnswer => ({
  status: 200,
  headers: { "content-type": "application/octet-stream" },
  body: "",
  content,
  contentBytes,
});

const ok = (body: string): ServiceAnswer => ({ status: 200, headers: {}, body });

/** Opens a request, to be read or left by the test. */
function open(
  hub: { fixture: HubFixture; base: string },
  path: string,
  options: { method?: string; headers?: Record<string, string | number> } = {},
) {
  const { hostname, port } = new URL(hub.fixture.url);
  const { method = "GET", headers = {} } = options;
  const outgoing = request({
    hostname,
    port,
    path: hub.base + path,
    method,
    ca: hub.fixture.ca,
    agent: false,
    headers: { Authorization: `Bearer ${adminKey}`, ...headers },
  });
  const answered = once(outgoing, "response").then(([response]) => response as IncomingMessage);
  return { outgoing, answered };
}

test("streaming - an answer of 40 MiB and any bytes passes through, with and without a known length", async () => {
  for (const isKnown of [true, false]) {
    const source = new Source(40 * mib);
    await using hub = await withPrimary(() =>
      Promise.resolve(streamed(source, isKnown ? 40 * mib : undefined)),
    );
    const ended = hub.fixture.log.next("command.answered");
    const { outgoing, answered } = open(hub, "/x");
    outgoing.end();
    const response = await answered;
    assert.equal(response.headers["content-length"], isKnown ? String(40 * mib) : undefined);
    assert.equal(await digest(response), source.hash.digest("hex"));
    const { status, end } = await ended;
    assert.deepEqual([status, end], [200, "answered"]);
  }
});

test("streaming - an upload of 40 MiB and any bytes passes through, announced and chunked", async () => {
  for (const isKnown of [true, false]) {
    const source = new Source(40 * mib);
    const seen: (number | undefined)[] = [];
    await using hub = await withPrimary(async ({ upload, uploadBytes }) => {
      assert.ok(upload !== undefined);
      seen.push(uploadBytes);
      return { status: 201, headers: {}, body: await digest(upload) };
    });
    const { outgoing, answered } = open(hub, "/x", {
      method: "POST",
      headers: isKnown ? { "Content-Length": 40 * mib } : {},
    });
    await pipeline(source, outgoing);
    const response = await answered;
    const body = (await response.toArray()).join("");
    assert.deepEqual(
      [response.statusCode, body, seen],
      [201, source.hash.digest("hex"), [isKnown ? 40 * mib : undefined]],
    );
  }
});

test("streaming - a reader that stalls is cut in the end, holds little till then, and delays nobody", async () => {
  const source = new Source(1_000 * mib);
  await using hub = await withPrimary(
    ({ uri }) =>
      Promise.resolve(uri.endsWith("/big") ? streamed(source) : { status: 200, headers: {}, body: "small" }),
    { limits: { maxStreamStallMs: 1_500 } },
  );
  const ended = hub.fixture.log.next("command.answered");
  const { outgoing, answered } = open(hub, "/big");
  outgoing.end();
  const stalled = await answered;
  stalled.on("error", () => stalled.destroy());
  stalled.pause();
  const small = await Promise.all([1, 2, 3].map((n) => hub.fixture.call({ path: `${hub.base}/${n}` })));
  assert.deepEqual(new Set(small.map(({ text }) => text)), new Set(["small"]));
  const big = hub.fixture.log.all("command.answered").find(({ path }) => String(path).endsWith("/big"));
  assert.equal(big, undefined, "it was cut before the small ones were answered");
  await ended;
  if (!source.destroyed) await once(source, "close");
  // Buffers of the kernel's, of both ends' sockets, and one window.
  assert.ok(source.made < 64 * mib, `${source.made} bytes left the primary for a caller that read nothing`);
  stalled.destroy();
});

test("streaming - a caller that leaves in the middle ends the answer at the primary", async () => {
  const source = new Source(1_000 * mib);
  await using hub = await withPrimary(() => Promise.resolve(streamed(source)));
  const ended = hub.fixture.log.next("command.answered");
  const { outgoing, answered } = open(hub, "/x");
  outgoing.end();
  const response = await answered;
  await once(response, "readable");
  response.on("error", () => response.destroy());
  outgoing.destroy();
  assert.equal((await ended)["end"], "cancelled");
  if (!source.destroyed) await once(source, "close");
});

test("streaming - a caller that leaves while the hub logs in for it takes no turn of the primary's for ever", async () => {
  const login = { seen: Promise.withResolvers<void>(), answered: Promise.withResolvers<void>() };
  const source = new Source(1_000 * mib);
  await using hub = await withPrimary(
    async ({ uri }) => {
      if (!uri.endsWith("/login")) return uri.endsWith("/big") ? streamed(source) : ok("small");
      login.seen.resolve();
      await login.answered.promise;
      return { ...ok(JSON.stringify({ token: "t", validity: 3600 })), status: 201 };
    },
    { limits: { maxCommandsPerPrimary: 1 } },
  );
  const path = hub.base.replace(/netbackup$/, "credential");
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ userName: "u", password: "p" });
  assert.equal((await hub.fixture.call({ path, method: "PUT", headers, body })).status, 200);
  const { outgoing, answered } = open(hub, "/big");
  answered.catch(() => {});
  outgoing.on("error", () => {});
  const ended = hub.fixture.log.next("command.answered");
  outgoing.end();
  await login.seen.promise;
  outgoing.destroy();
  // Some round trips later the hub has seen it go.
  await hub.fixture.call({ path: "/healthz", key: null });
  login.answered.resolve();
  assert.equal((await ended)["end"], "cancelled");
  assert.equal((await hub.fixture.call({ path: `${hub.base}/small` })).text, "small");
});

test("streaming - an answer that breaks off is never taken for whole", async () => {
  const breaking = () =>
    Readable.from(
      (async function* () {
        yield Buffer.alloc(200_000);
        throw new Error("gone");
      })(),
    );
  await using hub = await withPrimary(() => Promise.resolve(streamed(breaking())));
  const ended = hub.fixture.log.next("command.answered");
  const { outgoing, answered } = open(hub, "/x");
  outgoing.end();
  await assert.rejects(digest(await answered), { code: "ECONNRESET" });
  assert.equal((await ended)["end"], "lost");
});

test("streaming - an answer that breaks off right behind its head is answered 502", async () => {
  await using fixture = await HubFixture.start();
  const { id, endpoint } = await fixture.enrol();
  const primary = new WebSocket(endpoint.url, ["sallyport.v1"], { ca: fixture.ca });
  const upgraded = once(primary, "upgrade");
  await once(primary, "open");
  const [{ socket }] = (await upgraded) as [IncomingMessage];
  const connect = { type: "CONNECT", subType: "REQUEST", payload: { token: endpoint.token } };
  const envelope = { version: "1.0", id: "6513270E-269E-4D37-B2A7-4DE452E6B438", timeStamp: 1 };
  primary.send(JSON.stringify({ ...envelope, ...connect }));
  await once(primary, "message");
  primary.on("message", (data: Buffer, isBinary) => {
    if (!isBinary) return;
    const head = Buffer.from(JSON.stringify({ status: 200, headers: {} }));
    const response = Buffer.concat([Buffer.from([2, 0]), data.subarray(2, 8), Buffer.alloc(4), head]);
    response.writeUInt32BE(head.length, 8);
    const reset = Buffer.concat([Buffer.from([5, 0]), data.subarray(2, 8), Buffer.from([3])]);
    // In one piece, so that both are read in one turn of the event loop.
    socket.cork();
    primary.send(response);
    primary.send(reset);
    socket.uncork();
  });
  const { status, headers } = await fixture.call({ path: `/api/v1/primaries/${id}/netbackup/x` });
  assert.deepEqual([status, headers["sallyport-error"]], [502, "lost"]);
  primary.terminate();
});

test("streaming - bodies beyond the bound are refused when announced, and cut off when not", async () => {
  await using hub = await withPrimary(
    async ({ upload, uri }) => {
      if (upload !== undefined) await digest(upload);
      return streamed(new Source(2 * mib), uri.endsWith("/known") ? 2 * mib : undefined);
    },
    { limits: { maxStreamedBodyBytes: mib } },
  );
  const announced = await hub.fixture.call({ path: `${hub.base}/known` });
  assert.deepEqual([announced.status, announced.headers["sallyport-error"]], [502, "bad_answer"]);
  const cut = open(hub, "/unknown");
  cut.outgoing.end();
  await assert.rejects(digest(await cut.answered), { code: "ECONNRESET" });
  const refused = await hub.fixture.call({
    path: `${hub.base}/x`,
    method: "POST",
    headers: { "Content-Length": String(mib + 1) },
  });
  assert.deepEqual([refused.status, refused.headers["sallyport-error"]], [413, "too_large"]);
  const chunked = await hub.fixture.call({
    path: `${hub.base}/x`,
    method: "POST",
    body: Buffer.alloc(mib + 1),
    headers: { "Transfer-Encoding": "chunked" },
  });
  assert.deepEqual([chunked.status, chunked.headers["sallyport-error"]], [413, "too_large"]);
});

test("streaming - a request that does not arrive in time is answered 408, an upload that streams may take longer", async () => {
  await using hub = await withPrimary(
    async ({ upload }) => {
      if (upload !== undefined) await digest(upload);
      return { status: 200, headers: {}, body: "" };
    },
    { limits: { requestTimeoutMs: 200 } },
  );
  const slow = open(hub, "/x", { method: "POST", headers: { "Content-Length": 10 } });
  slow.outgoing.write("x");
  slow.outgoing.on("error", () => slow.outgoing.destroy());
  assert.equal((await slow.answered).statusCode, 408);
  const long = open(hub, "/x", { method: "POST" });
  long.outgoing.write(Buffer.alloc(100_000));
  const late = open(hub, "/x", { method: "POST", headers: { "Content-Length": 10 } });
  late.outgoing.write("x");
  late.outgoing.on("error", () => late.outgoing.destroy());
  // When this one is over, the other one's time would have been too.
  assert.equal((await late.answered).statusCode, 408);
  long.outgoing.end(Buffer.alloc(100_000));
  assert.equal((await long.answered).statusCode, 200);
});

test("streaming - a caller that writes all of its body before it reads gets an answer that came early, and may ask again", async () => {
  await using hub = await withPrimary(({ method }) =>
    Promise.resolve({ status: method === "POST" ? 413 : 200, headers: {}, body: "answer" }),
  );
  const { port } = new URL(hub.fixture.url);
  const socket = connect({ host: "127.0.0.1", port: Number(port), ca: hub.fixture.ca });
  await once(socket, "secureConnect");
  const head = (method: string, more = "") =>
    `${method} ${hub.base}/x HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${adminKey}\r\n${more}\r\n`;
  const body = Buffer.alloc(12 * mib);
  socket.write(head("POST", `Content-Length: ${body.length}\r\n`));
  const written = Promise.withResolvers<void>();
  socket.write(body, () => written.resolve());
  await written.promise;
  socket.write(head("GET"));
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.split("\r\n\r\nanswer").length === 3) break;
  }
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 413", "HTTP/1.1 200"]);
});

test("streaming - an upload that goes on after its answer has the time of a request, and no more", async () => {
  await using hub = await withPrimary(() => Promise.resolve({ status: 413, headers: {}, body: "" }), {
    limits: { requestTimeoutMs: 500 },
  });
  const { outgoing, answered } = open(hub, "/x", { method: "POST" });
  outgoing.on("error", () => {});
  const upload = pipeline(new Source(1e15), outgoing);
  assert.equal((await answered).statusCode, 413);
  await assert.rejects(upload);
});
