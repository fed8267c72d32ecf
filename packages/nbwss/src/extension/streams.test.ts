// Bodies over real TLS and WebSockets, with both ends of this package and with a peer that breaks the rules.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { ensureServerCertificate, type ServerCertificate } from "@sallyport/certificates";
import { WebSocket } from "ws";
import {
  attachEndpoint,
  dialEndpoint,
  type DialOptions,
  type EndpointConnection,
  type EndpointOptions,
  type ServiceAnswer,
  type ServiceCommand,
  type StreamedAnswer,
} from "../index.ts";
import { encodeCredit, encodeData, encodeHead, encodeReset } from "./frame.ts";

let dir: string;
let certificate: ServerCertificate;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-nbwss-"));
  const hostNames = ["localhost", "127.0.0.1"];
  certificate = await ensureServerCertificate({ dir, owner: "test", hostNames, nowMs: Date.now() });
});
after(() => rm(dir, { recursive: true }));

const mib = 1024 * 1024;

async function startEndpoint(options: Partial<EndpointOptions<string>> = {}) {
  const server: Server = createServer({ cert: certificate.certPem, key: certificate.keyPem });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}/nbwss`;
  const connected = Promise.withResolvers<EndpointConnection<string>>();
  const endpoint = attachEndpoint<string>(server, {
    authenticate: async (token) => (token === "good" ? "branch" : undefined),
    connected: connected.resolve,
    notified: () => Promise.resolve(),
    ...options,
  });
  return {
    url,
    connected: connected.promise,
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function pair(execute: DialOptions["execute"], options: Partial<DialOptions> = {}) {
  await using stack = new AsyncDisposableStack();
  const peer = stack.use(await startEndpoint());
  const tls = { ca: certificate.caPem };
  const service = await dialEndpoint({ url: peer.url, token: "good", tls, execute, ...options });
  stack.defer(() => service.close());
  const connection = await peer.connected;
  const owned = stack.move();
  return { service, connection, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const get = (uri: string) => ({ uri: `/netbackup/${uri}`, method: "GET" as const, headers: {} });
const wait = { timeoutMs: 60_000 };

/** So many bytes, of which each chunk is made when it is asked for. Counts what was made. */
function source(bytes: number) {
  const hash = createHash("sha256");
  const counted = { made: 0, hash, stream: undefined as unknown as Readable };
  counted.stream = new Readable({
    read() {
      const size = Math.min(50_000, bytes - counted.made);
      if (size === 0) {
        this.push(null);
        return;
      }
      const chunk = randomBytes(size);
      hash.update(chunk);
      counted.made += size;
      this.push(chunk);
    },
  });
  return counted;
}

async function digest(body: Readable): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

function textOf(body: StreamedAnswer["body"]): string {
  assert.ok(Buffer.isBuffer(body), "it is small, and so whole");
  return body.toString();
}

const asStream = ({ stream }: { stream: Readable }): ServiceAnswer => ({
  status: 200,
  headers: {},
  body: "",
  content: stream,
});

test("streams - an answer of any bytes and length arrives as it was sent", async () => {
  for (const bytes of [1, 65_536, 65_537, 6 * mib]) {
    const sent = source(bytes);
    await using ends = await pair(() => Promise.resolve(asStream(sent)));
    const { status, body } = await ends.connection.open(get("x"), wait);
    assert.ok(body instanceof Readable);
    assert.deepEqual([status, await digest(body)], [200, { bytes, sha256: sent.hash.digest("hex") }]);
    assert.deepEqual([ends.connection.inFlight, ends.service.executing], [0, 0]);
  }
});

test("streams - a request body arrives whole when it is small and text, and as a stream otherwise", async () => {
  const seen: ServiceCommand[] = [];
  await using ends = await pair(async (command) => {
    seen.push(command);
    const { upload } = command;
    return {
      status: 200,
      headers: {},
      body: upload === undefined ? "" : JSON.stringify(await digest(upload)),
    };
  });
  const post = (body: string | Buffer | Readable, bodyBytes?: number) =>
    ends.connection.open({ ...get("x"), method: "POST", body, bodyBytes }, wait);
  await post("text");
  await post("ü".repeat(200_000));
  await post(Readable.from([Buffer.from("str"), Buffer.from("eamed")]), 8);
  assert.deepEqual(
    seen.map(({ parameters, upload }) => [parameters?.length, upload]),
    [
      [4, undefined],
      [200_000, undefined],
      [8, undefined],
    ],
  );
  const binary = await post(Buffer.from([0xff, 0xfe]));
  assert.equal((JSON.parse(textOf(binary.body)) as { bytes: number }).bytes, 2);
  const large = source(6 * mib);
  const { body } = await post(large.stream, 6 * mib);
  assert.deepEqual(JSON.parse(textOf(body)), { bytes: 6 * mib, sha256: large.hash.digest("hex") });
  assert.equal(seen.at(-1)?.uploadBytes, 6 * mib);
});

test("streams - a reader that stalls holds up its own answer only, and little of it is in memory", async () => {
  const stalled = source(20 * mib);
  await using ends = await pair(({ uri }) =>
    Promise.resolve(
      uri.endsWith("/stalled")
        ? asStream(stalled)
        : uri.endsWith("/big")
          ? asStream(source(2 * mib))
          : { status: 200, headers: {}, body: "quick" },
    ),
  );
  const { body } = await ends.connection.open(get("stalled"), wait);
  assert.ok(body instanceof Readable);
  for (let n = 0; n < 50; n += 1) {
    assert.equal((await ends.connection.command(get("quick"), wait)).body, "quick");
  }
  const other = await ends.connection.open(get("big"), wait);
  assert.ok(other.body instanceof Readable);
  assert.equal((await digest(other.body)).bytes, 2 * mib);
  // What the sender has made beyond the credit waits in its own stream's buffer: a chunk or two.
  assert.ok(stalled.made <= 64 * 1024 + 4 * 50_000, `${stalled.made} bytes were made`);
  assert.deepEqual(await digest(body), { bytes: 20 * mib, sha256: stalled.hash.digest("hex") });
});

test("streams - large answers take turns, and a small one does not wait for them", async () => {
  await using ends = await pair(({ uri }) =>
    Promise.resolve(
      uri.endsWith("/big") ? asStream(source(8 * mib)) : { status: 200, headers: {}, body: "quick" },
    ),
  );
  const answers = await Promise.all(Array.from({ length: 4 }, () => ends.connection.open(get("big"), wait)));
  const received = [0, 0, 0, 0];
  let isAnyWhole = false;
  const whole = answers.map(async ({ body }, index) => {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      received[index] = (received[index] ?? 0) + chunk.length;
      if (!isAnyWhole) {
        const [least, most] = [Math.min(...received), Math.max(...received)];
        assert.ok(most - least <= 2 * mib, `received ${received.join(", ")}`);
      }
    }
    isAnyWhole = true;
  });
  await ends.connection.command(get("quick"), wait);
  assert.ok(
    received.every((bytes) => bytes < 8 * mib),
    "the small answer waited for the large ones",
  );
  await Promise.all(whole);
});

test("streams - who leaves ends the call at the primary: before its answer, in the middle of it, and at the deadline", async () => {
  const aborted: string[] = [];
  const allAborted = Promise.withResolvers<void>();
  const large = source(100 * mib);
  await using ends = await pair(({ uri, timeoutMs }, signal) => {
    signal.addEventListener("abort", () => {
      aborted.push(uri);
      if (aborted.length === 2) allAborted.resolve();
    });
    if (uri.endsWith("/large")) return Promise.resolve(asStream(large));
    assert.equal(timeoutMs, uri.endsWith("/late") ? 50 : wait.timeoutMs);
    return new Promise(() => {});
  });
  const { body } = await ends.connection.open(get("large"), wait);
  assert.ok(body instanceof Readable);
  await once(body, "readable");
  const isClosed = once(large.stream, "close");
  body.destroy();
  await isClosed;
  assert.ok(large.made < 5 * mib);

  await assert.rejects(ends.connection.command(get("late"), { timeoutMs: 50 }), { code: "timeout" });
  let cancel: (() => void) | undefined;
  const left = ends.connection.open(get("left"), { ...wait, begun: (end) => (cancel = end) });
  cancel?.();
  await assert.rejects(left, { code: "cancelled" });
  await allAborted.promise;
  assert.equal(ends.connection.inFlight, 0);
});

test("streams - a body that breaks off ends its stream on both ends, and nothing else", async () => {
  const uploads: Promise<unknown>[] = [];
  await using ends = await pair(({ uri, upload }) => {
    if (upload !== undefined) {
      const reading = digest(upload);
      uploads.push(reading);
      return reading.then(() => ({ status: 200, headers: {}, body: "" }));
    }
    if (uri.endsWith("/fine")) return Promise.resolve({ status: 200, headers: {}, body: "fine" });
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000);
        throw new Error("the disk is gone");
      })(),
    );
    return Promise.resolve({ status: 200, headers: {}, body: "", content: broken });
  });
  const { body } = await ends.connection.open(get("broken"), wait);
  assert.ok(body instanceof Readable);
  await assert.rejects(digest(body), { code: "lost", message: /the disk is gone/ });
  const leaving = new Readable({ read() {} });
  leaving.push(Buffer.alloc(2 * mib));
  const opened = ends.connection.open({ ...get("up"), method: "POST", body: leaving }, wait);
  leaving.destroy(new Error("the caller has gone"));
  await assert.rejects(opened, { code: "lost" });
  await Promise.allSettled(uploads);
  assert.equal((await ends.connection.command(get("fine"), wait)).body, "fine");
});

test("streams - a body of another length than announced is an error, never passed on as whole", async () => {
  await using ends = await pair(({ uri }) => {
    const content = Readable.from([Buffer.alloc(70_000), Buffer.alloc(70_000)]);
    return Promise.resolve({
      status: 200,
      headers: {},
      body: "",
      content,
      contentBytes: uri.endsWith("/more") ? 100_000 : 150_000,
    });
  });
  for (const uri of ["more", "less"]) {
    const { body, bodyBytes } = await ends.connection.open(get(uri), wait);
    assert.ok(body instanceof Readable && bodyBytes !== undefined);
    await assert.rejects(digest(body), { code: "lost", message: /were announced/ });
  }
});

test("streams - a connection that ends breaks off its bodies, and nobody waits for them any longer", async () => {
  const large = source(100 * mib);
  await using ends = await pair(() => Promise.resolve(asStream(large)));
  const { body } = await ends.connection.open(get("large"), wait);
  assert.ok(body instanceof Readable);
  await once(body, "readable");
  ends.service.cut("pulled the plug");
  await assert.rejects(digest(body), { code: "lost" });
  if (!large.stream.destroyed) await once(large.stream, "close");
  assert.equal(ends.connection.inFlight, 0);
});

test("streams - an answer that is whole before its request ends the sending of it", async () => {
  await using ends = await pair(({ upload }) =>
    Promise.resolve({ status: 413, headers: {}, body: upload === undefined ? "" : "too much" }),
  );
  const endless = source(1e12);
  const { status, body } = await ends.connection.open(
    { ...get("x"), method: "POST", body: endless.stream },
    wait,
  );
  assert.deepEqual([status, textOf(body)], [413, "too much"]);
  if (!endless.stream.destroyed) await once(endless.stream, "close");
  assert.ok(endless.made < 10 * mib);
});

test("streams - an endpoint that opens more commands than run is answered 503 at once, and none of their bodies is kept", async () => {
  const begun: string[] = [];
  await using ends = await pair(
    ({ uri }) => {
      begun.push(uri);
      return new Promise(() => {});
    },
    { limits: { maxServing: 2 } },
  );
  // Of none of them the body ever ends.
  const opening = Array.from({ length: 20 }, () => {
    const body = new Readable({ read() {} });
    body.push(Buffer.alloc(10_000));
    return ends.connection.open({ ...get("x"), method: "POST", body }, wait);
  });
  for (const open of opening.slice(0, 2)) open.catch(() => {});
  const answers = await Promise.all(opening.slice(2));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([503]));
  assert.deepEqual([ends.connection.inFlight, ends.service.executing, begun], [2, 2, []]);
});

const request = (id: number, head: unknown, end = true) =>
  encodeHead("request", id, JSON.stringify(head), { end });
const ping = { uri: "/netbackup/ping", method: "GET", headers: {} };
const forPrimary: [what: string, frames: Buffer[]][] = [
  ["a malformed frame", [Buffer.from([9, 0, 0, 0, 0, 0, 0, 1])]],
  ["a RESPONSE", [encodeHead("response", 1, "{}", { end: true })]],
  ["the same stream again", [request(5, ping), request(5, ping)]],
  ["a stream that is older", [request(5, ping), request(4, ping)]],
  ["DATA for a stream that was never opened", [encodeData(1, Buffer.from("x"), true)]],
  [
    "DATA after END",
    [request(1, { ...ping, uri: "/netbackup/hold" }), encodeData(1, Buffer.from("x"), true)],
  ],
  ["a head that is not JSON", [encodeHead("request", 1, "{", { end: true })]],
  ["a head with a wrong member", [request(1, { ...ping, method: "TRACE" })]],
  ["a head with another length", [request(1, { ...ping, length: 3 })]],
  [
    "more than the credit",
    [
      request(1, { ...ping, uri: "/netbackup/hold" }, false),
      ...Array.from({ length: 40 }, () => encodeData(1, Buffer.alloc(65_536), false)),
    ],
  ],
];

test("streams - a primary closes with 1002 on what breaks the rules, whatever exception.ignoreDecoder says", async () => {
  for (const [what, frames] of forPrimary) {
    await using peer = await rawEndpoint(frames);
    const service = await dialEndpoint({
      url: peer.url,
      token: "good",
      tls: { ca: certificate.caPem },
      ignoreUndecodable: true,
      // Nobody reads the body: no more credit is given than the first megabyte that is collected.
      execute: () => new Promise(() => {}),
    });
    assert.equal((await service.closed).code, 1002, what);
  }
});

const forEndpoint: [what: string, frames: Buffer[]][] = [
  ["a malformed frame", [Buffer.from([3, 0])]],
  ["a REQUEST", [request(1, ping)]],
  ["an answer nobody asked for", [encodeHead("response", 77, '{"status":200,"headers":{}}', { end: true })]],
  ["a status that is none", [encodeHead("response", 1, '{"status":99,"headers":{}}', { end: true })]],
  ["DATA before the head", [encodeData(1, Buffer.from("x"), false)]],
  [
    "a second head",
    [false, true].map((end) => encodeHead("response", 1, '{"status":200,"headers":{}}', { end })),
  ],
  ["too much credit", Array.from({ length: 2 }, () => encodeCredit(1, 2 ** 31 - 1))],
];

test("streams - an endpoint closes with 1002 on what breaks the rules, and the commands of that primary are lost", async () => {
  for (const [what, frames] of forEndpoint) {
    await using peer = await startEndpoint();
    const socket = await rawPrimary(peer.url);
    const connection = await peer.connected;
    // Its body is not whole, so that credit matters.
    const open = connection.open({ ...get("x"), method: "POST", body: new Readable({ read() {} }) }, wait);
    const ended = Promise.allSettled([open]);
    await once(socket, "message");
    for (const frame of frames) socket.send(frame);
    const [code] = (await once(socket, "close")) as [number];
    assert.equal(code, 1002, what);
    await ended;
  }
});

test("streams - frames for a stream that has just ended are passed over", async () => {
  await using peer = await startEndpoint();
  const socket = await rawPrimary(peer.url);
  const connection = await peer.connected;
  await assert.rejects(connection.command(get("x"), { timeoutMs: 1 }), { code: "timeout" });
  socket.send(encodeHead("response", 1, '{"status":200,"headers":{}}', { end: false }));
  socket.send(encodeData(1, Buffer.alloc(1_000), false));
  socket.send(encodeCredit(1, 10));
  socket.send(encodeReset(1, "failed", ""));
  socket.on("message", (data: Buffer) => {
    if (data.readUInt8(0) === 1)
      socket.send(
        encodeHead("response", data.readUIntBE(2, 6), '{"status":204,"headers":{}}', { end: true }),
      );
  });
  assert.equal((await connection.command(get("y"), wait)).status, 204);
  socket.close();
});

test("streams - under NBWSS 1.0 a binary message closes with 1003 as ever, and a body has to be text and whole", async () => {
  await using peer = await startEndpoint({ extensions: false });
  const service = await dialEndpoint({
    url: peer.url,
    token: "good",
    tls: { ca: certificate.caPem },
    execute: async ({ parameters = "", takesContent }) => ({
      status: 200,
      headers: {},
      body: `${parameters} ${takesContent}`,
    }),
  });
  const connection = await peer.connected;
  const post = { ...get("x"), method: "POST" as const };
  assert.equal((await connection.open({ ...post, body: "text" }, wait)).body, "text undefined");
  await assert.rejects(connection.open({ ...post, body: Readable.from(["x"]) }, wait), {
    code: "too_large",
  });
  await assert.rejects(connection.open({ ...post, body: Buffer.from([0xff]) }, wait), { code: "not_text" });
  await service.close();
  await using other = await startEndpoint();
  const socket = await rawPrimary(other.url, false);
  socket.send(encodeData(1, Buffer.from("x"), true));
  const [code] = (await once(socket, "close")) as [number];
  assert.equal(code, 1003);
});

/** A primary that has connected, and from then on says what the test has it say. */
async function rawPrimary(url: string, isExtended = true): Promise<WebSocket> {
  const socket = new WebSocket(url, isExtended ? ["sallyport.v1"] : [], { ca: certificate.caPem });
  await once(socket, "open");
  socket.send(
    JSON.stringify({
      version: "1.0",
      id: "36F675CC-81E7-4EF5-A8E2-5D940ED90475",
      type: "CONNECT",
      subType: "REQUEST",
      timeStamp: 1,
      payload: { token: "good" },
    }),
  );
  await once(socket, "message");
  return socket;
}

/** An endpoint that accepts whoever comes, and then sends `frames`. */
async function rawEndpoint(frames: Buffer[]) {
  const { WebSocketServer } = await import("ws");
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem });
  const acceptor = new WebSocketServer({ server });
  acceptor.on("connection", (socket) => {
    socket.once("message", (data: Buffer) => {
      const { id } = JSON.parse(data.toString()) as { id: string };
      socket.send(
        JSON.stringify({
          version: "1.0",
          id,
          type: "CONNECT",
          subType: "RESPONSE",
          timeStamp: 1,
          payload: { valid: true },
        }),
      );
      for (const frame of frames) socket.send(frame);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}/nbwss`,
    async [Symbol.asyncDispose]() {
      for (const client of acceptor.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

test("streams - bodies that commands hold have a bound together, under both protocols", async () => {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<ServiceAnswer>();
  const execute = (command: ServiceCommand) => {
    if (command.parameters === undefined) return Promise.resolve({ status: 200, headers: {}, body: "" });
    begun.resolve();
    return released.promise;
  };
  await using peers = await pair(execute, { limits: { maxHeldBodyBytes: 100_000 } });
  const post = (body: string) => peers.connection.open({ ...get("x"), method: "POST", body }, wait);
  const first = post("x".repeat(90_000));
  await begun.promise;
  assert.equal((await post("y".repeat(20_000))).status, 503);
  const text = { ...get("x"), method: "POST" as const, parameters: "z".repeat(20_000) };
  assert.equal((await peers.connection.command(text, wait)).status, 503);
  assert.equal((await peers.connection.open(get("x"), wait)).status, 200);
  released.resolve({ status: 200, headers: {}, body: "" });
  assert.equal((await first).status, 200);
  assert.equal((await post("y".repeat(20_000))).status, 200);
});
