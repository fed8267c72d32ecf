import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startTlsServer } from "../../../tests/kit/tls-server.ts";
import { Executor } from "./executor.ts";

const alive = new AbortController().signal;

function endless(): Readable {
  return new Readable({
    read() {
      this.push(Buffer.alloc(50_000));
    },
  });
}

async function startUpstream() {
  const seen: { url: string | undefined; headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
  const hanging = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const tls = await startTlsServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ url: request.url, headers: request.headers, body });
      if (request.url?.endsWith("/hang") === true) return hanging.resolve();
      if (request.url?.endsWith("/redirect") === true) {
        return response.writeHead(302, { location: "https://evil.example/" }).end();
      }
      if (request.url?.endsWith("/binary") === true) return response.end(Buffer.from([0xff, 0xfe]));
      if (request.url?.endsWith("/big") === true) return response.end("x".repeat(5000));
      if (request.url?.endsWith("/cut") === true) return response.destroy();
      if (request.url?.endsWith("/endless") === true)
        return void pipeline(endless(), response).catch(() => left.resolve());
      response.setHeader("X-Many", ["a", "b"]);
      return response.end(`{"echo":${JSON.stringify(body)}}`);
    });
  });
  const executor = new Executor({
    origin: tls.origin,
    ca: [tls.caPem],
    maxConnections: 4,
    timeoutMs: 5000,
    maxBodyBytes: 4096,
    maxUploadBytes: 100_000,
  });
  return {
    seen,
    executor,
    hanging: hanging.promise,
    /** Resolves when who read the endless answer has gone. */
    left: left.promise,
    origin: tls.origin,
    async [Symbol.asyncDispose]() {
      executor.close();
      await tls.stop();
    },
  };
}

test("executor - passes method, path, headers and body on, without the headers of the hop", async () => {
  await using upstream = await startUpstream();
  const answer = await upstream.executor.execute(
    {
      uri: "/netbackup/admin/jobs?filter=a%20eq%20'b'",
      method: "POST",
      headers: {
        Authorization: "jwt",
        Host: "evil.example",
        "Transfer-Encoding": "chunked",
        "Accept-Encoding": "gzip",
      },
      parameters: `{"ü":"\\""}`,
    },
    alive,
  );
  assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { echo: `{"ü":"\\""}` }]);
  assert.equal(answer.headers["x-many"], "a, b");
  assert.equal(answer.headers["connection"], undefined);
  const [request] = upstream.seen;
  assert.equal(request?.url, "/netbackup/admin/jobs?filter=a%20eq%20'b'");
  assert.equal(request?.headers["authorization"], "jwt");
  assert.equal(request?.headers["host"], new URL(upstream.origin).host);
  assert.equal(request?.headers["accept-encoding"], undefined);
});

test("executor - answers every failure in NetBackup's error shape", async () => {
  await using upstream = await startUpstream();
  const outcomes: [uri: string, status: number, message: RegExp][] = [
    ["/netbackup/../secret", 403, /dot segment/],
    ["/netbackup/binary", 502, /not text/],
    ["/netbackup/big", 502, /more than 4096 bytes/],
    ["/netbackup/cut", 502, /could not be called/],
  ];
  for (const [uri, status, message] of outcomes) {
    const answer = await upstream.executor.execute({ uri, method: "GET", headers: {} }, alive);
    const body = JSON.parse(answer.body) as { errorCode: number; errorMessage: string };
    assert.deepEqual([answer.status, body.errorCode], [status, status], uri);
    assert.match(body.errorMessage, message);
  }
  assert.ok(upstream.seen.every(({ url }) => url !== "/secret"));
});

const streamed = (uri: string) => ({
  uri: `/netbackup/${uri}`,
  method: "GET" as const,
  headers: {},
  takesContent: true,
});

test("executor - hands a body over as it is where the command takes it: whole when it is small, otherwise as it comes", async () => {
  await using upstream = await startUpstream();
  const small = await upstream.executor.execute(streamed("binary"), alive);
  assert.deepEqual(small.content, Buffer.from([0xff, 0xfe]));
  const upload = Readable.from([Buffer.from("str"), Buffer.from("eamed")]);
  const echoed = await upstream.executor.execute(
    { ...streamed("x"), method: "POST", upload, uploadBytes: 8 },
    alive,
  );
  assert.equal(String(echoed.content as Buffer), '{"echo":"streamed"}');
  assert.equal(upstream.seen.at(-1)?.headers["content-length"], "8");
  const { content } = await upstream.executor.execute(streamed("endless"), alive);
  assert.ok(content instanceof Readable);
  content.destroy();
  await upstream.left;
});

test("executor - long answers end when nobody waits any more", async () => {
  await using upstream = await startUpstream();
  const caller = new AbortController();
  const first = await upstream.executor.execute(streamed("endless"), caller.signal);
  const second = await upstream.executor.execute(streamed("endless"), caller.signal);
  const ended = [first, second].map(({ content }) => {
    assert.ok(content instanceof Readable);
    return new Promise((resolve) => content.once("close", resolve));
  });
  caller.abort();
  await Promise.all(ended);
  const again = await upstream.executor.execute(streamed("endless"), alive);
  assert.ok(again.content instanceof Readable);
  again.content.destroy();
});

test("executor - waits no longer than the endpoint does", async () => {
  await using upstream = await startUpstream();
  const answer = await upstream.executor.execute({ ...streamed("hang"), timeoutMs: 50 }, alive);
  assert.equal(answer.status, 504);
  assert.match(answer.body, /within 50 ms/);
});

test("executor - never follows a redirect", async () => {
  await using upstream = await startUpstream();
  const answer = await upstream.executor.execute(
    { uri: "/netbackup/redirect", method: "GET", headers: {} },
    alive,
  );
  assert.deepEqual([answer.status, answer.headers["location"]], [302, "https://evil.example/"]);
});

test("executor - a header that would smuggle is an answer, not a request", async () => {
  await using upstream = await startUpstream();
  const headers = { "x-a": "b\r\nx-evil: 1" };
  const answer = await upstream.executor.execute({ uri: "/netbackup/ping", method: "GET", headers }, alive);
  assert.equal(answer.status, 502);
  assert.equal(upstream.seen.length, 0);
});

test("executor - ends the call when nobody waits for the answer any more", async () => {
  await using upstream = await startUpstream();
  const caller = new AbortController();
  const call = upstream.executor.execute(
    { uri: "/netbackup/hang", method: "GET", headers: {} },
    caller.signal,
  );
  await upstream.hanging;
  caller.abort();
  assert.equal((await call).status, 502);
});

test("executor - a server that is not there, or not the right one, is answered 502", async () => {
  await using upstream = await startUpstream();
  for (const [origin, ca] of [
    ["https://127.0.0.1:1", []],
    [upstream.origin, []],
  ] as const) {
    const executor = new Executor({
      origin,
      ca: [...ca],
      maxConnections: 1,
      timeoutMs: 5000,
      maxBodyBytes: 100,
      maxUploadBytes: 100_000,
    });
    const answer = await executor.execute({ uri: "/netbackup/ping", method: "GET", headers: {} }, alive);
    assert.equal(answer.status, 502, origin);
    executor.close();
  }
});

test("executor - an answer that says no length is whole when it is short and comes at once, and otherwise a stream with all of it", async () => {
  const held = Promise.withResolvers<void>();
  await using tls = await startTlsServer((request, response) => {
    if (request.url === "/netbackup/empty") return void response.writeHead(204).end();
    response.write("first ");
    if (request.url === "/netbackup/long") return void response.end("x".repeat(70_000));
    if (request.url === "/netbackup/broken") return void response.write("x", () => response.destroy());
    if (request.url === "/netbackup/short") return void setImmediate(() => response.end("last"));
    // Not before it was found to be slow.
    return void held.promise.then(() => response.end("last"));
  });
  const bounds = { maxConnections: 8, timeoutMs: 20_000, maxBodyBytes: 4096, maxUploadBytes: 4096 };
  const executor = new Executor({ origin: tls.origin, ca: [tls.caPem], ...bounds });
  const get = (name: string) =>
    executor.execute(
      { uri: `/netbackup/${name}`, method: "GET", headers: {}, takesContent: true },
      new AbortController().signal,
    );
  try {
    const whole = async (name: string) => {
      const { content } = await get(name);
      assert.ok(Buffer.isBuffer(content), name);
      return content.toString();
    };
    assert.equal(await whole("short"), "first last");
    assert.equal(await whole("empty"), "");
    assert.equal((await get("broken")).status, 502);
    const { content: long, contentBytes } = await get("long");
    assert.ok(long instanceof Readable);
    assert.equal(contentBytes, undefined);
    assert.equal(Buffer.concat((await long.toArray()) as Buffer[]).length, 70_006);
    const { content: slow } = await get("slow");
    assert.ok(slow instanceof Readable);
    held.resolve();
    assert.equal(Buffer.concat((await slow.toArray()) as Buffer[]).toString(), "first last");
  } finally {
    executor.close();
  }
});

test("executor - an upload may take longer than an answer, as long as it comes on", async () => {
  await using tls = await startTlsServer((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => response.end(String(bytes)));
  });
  const timeoutMs = 1_500;
  const bounds = { maxConnections: 1, timeoutMs, maxBodyBytes: 4096, maxUploadBytes: 100_000 };
  const executor = new Executor({ origin: tls.origin, ca: [tls.caPem], ...bounds });
  // A slow line: five pieces, two and a half seconds together.
  async function* slowly(): AsyncGenerator<Buffer> {
    for (let n = 0; n < 5; n += 1) {
      yield Buffer.alloc(1_000);
      await pause(timeoutMs / 3);
    }
  }
  try {
    const { status, body } = await executor.execute(
      { uri: "/netbackup/x", method: "POST", headers: {}, upload: Readable.from(slowly()) },
      new AbortController().signal,
    );
    assert.deepEqual([status, body], [200, "5000"]);
  } finally {
    executor.close();
  }
});
