import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "node:tls";
import type { Command, CommandAnswer, ServiceHandler } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { HubOptions, Problem } from "../index.ts";
import { adminKey, HubFixture } from "../testing/hub-fixture.ts";

type Execute = ServiceHandler["execute"];

const ok = (body = "", headers: Record<string, string> = {}): Promise<CommandAnswer> =>
  Promise.resolve({ status: 200, headers, body });

/** A hub with one primary that answers as `execute` does. */
async function withPrimary(execute: Execute, options: Partial<HubOptions> & { extensions?: boolean } = {}) {
  const { extensions = true, ...ofHub } = options;
  await using stack = new AsyncDisposableStack();
  const fixture = stack.use(await HubFixture.start(ofHub));
  const primary = await fixture.enrol();
  const connection = await fixture.dial(primary, execute, {}, { extensions });
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  const owned = stack.move();
  return { fixture, connection, base, id: primary.id, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Makes a test of each way that a primary may speak. */
function testBothWays(name: string, run: (more: { extensions: boolean }) => Promise<void>): void {
  for (const extensions of [true, false]) {
    test(`${name} (${extensions ? "sallyport.v1" : "NBWSS 1.0"})`, () => run({ extensions }));
  }
}

/** A primary that never answers; tells when it was asked. */
function silent(): { execute: Execute; asked: Promise<Command> } {
  const { promise, resolve } = Promise.withResolvers<Command>();
  const execute: Execute = (command) => {
    resolve(command);
    return new Promise(() => {});
  };
  return { execute, asked: promise };
}

testBothWays(
  "gateway - copies path, query, headers and body to the primary and its answer back, byte for byte",
  async (more) => {
    let seen: Command | undefined;
    const answerBody = '{"a" : 1e3,\n"ü":"\\u00fc \u{1f600}"}';
    await using hub = await withPrimary(({ uri, method, headers: given, parameters = "" }) => {
      seen = { uri, method, headers: given, parameters };
      const headers = {
        "content-type": "application/vnd.netbackup+json;version=12.0",
        "x-a": "1",
        connection: "x-hop",
        "x-hop": "1",
      };
      return Promise.resolve({ status: 201, headers, body: answerBody });
    }, more);
    const uri = "/admin/jobs?page%5Blimit%5D=10&filter=a%20eq%20'b'&&x";
    const body = '\u{feff}{ "x":1.0,"y":"\\u0000\u{1f600}" }\r\n';
    const reply = await hub.fixture.call({
      path: hub.base + uri,
      method: "POST",
      body,
      headers: {
        "Content-Type": "application/json",
        "X-NetBackup-Authorization": "jwt",
        Cookie: "a=b",
        TE: "trailers",
      },
    });
    assert.deepEqual(seen, {
      uri: `/netbackup${uri}`,
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: "jwt" },
      parameters: body,
    });
    assert.deepEqual([reply.status, reply.text], [201, answerBody]);
    assert.equal(reply.headers["content-length"], String(Buffer.byteLength(answerBody)));
    assert.equal(reply.headers["x-a"], "1");
    assert.equal(reply.headers["x-hop"], undefined);
    assert.equal(
      reply.headers["content-security-policy"],
      "default-src 'none'; sandbox; frame-ancestors 'none'",
    );
    const [line] = hub.fixture.log.all("command.answered");
    const { primary, method, path, status, end } = line ?? {};
    assert.deepEqual(
      { primary, method, path, status, end },
      { primary: hub.id, method: "POST", path: "/netbackup/admin/jobs", status: 201, end: "answered" },
    );
  },
);

testBothWays(
  "gateway - carries every method of NBWSS, refuses the rest with 405, and a GET has no parameters",
  async (more) => {
    await using hub = await withPrimary(
      ({ method, parameters }) => ok(`${method} ${parameters === undefined}`),
      more,
    );
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      assert.equal((await hub.fixture.call({ path: `${hub.base}/x`, method })).text, `${method} true`);
    }
    const refused = await hub.fixture.call({ path: `${hub.base}/x`, method: "OPTIONS" });
    assert.deepEqual([refused.status, refused.headers.allow], [405, "GET, POST, PUT, PATCH, DELETE"]);
  },
);

testBothWays("gateway - answers 204, 205 and 304 without a body", async (more) => {
  await using hub = await withPrimary(
    ({ uri }) => Promise.resolve({ status: Number(uri.slice(-3)), headers: {}, body: "stray" }),
    more,
  );
  for (const status of [204, 205, 304]) {
    const reply = await hub.fixture.call({ path: `${hub.base}/${status}` });
    assert.deepEqual([reply.status, reply.text, reply.headers["content-length"]], [status, "", undefined]);
  }
});

testBothWays("gateway - lets no header of a primary break the response", async (more) => {
  const evil = {
    "x-split": "a\r\nset-cookie: evil=1\r\n\r\n<script>",
    "x\r\ny": "b",
    "x-ok": "1",
    "set-cookie": "evil=1",
  };
  await using hub = await withPrimary(
    () => ok("body", { ...evil, "sallyport-error": "lost", "content-length": "1" }),
    more,
  );
  const reply = await hub.fixture.call({ path: `${hub.base}/x` });
  assert.deepEqual([reply.status, reply.text, reply.headers["x-ok"]], [200, "body", "1"]);
  for (const name of ["set-cookie", "x-split", "sallyport-error"])
    assert.equal(reply.headers[name], undefined, name);
});

test("gateway - refuses what it must, before a primary hears of it", async () => {
  let heard = 0;
  const execute = () => {
    heard += 1;
    return ok();
  };
  // Under the extension a body need not be text.
  await using hub = await withPrimary(execute, { extensions: false });
  const path = `${hub.base}/x`;
  const cases: [call: Parameters<HubFixture["call"]>[0], status: number, relay?: string][] = [
    [{ path, key: null }, 401],
    [{ path, key: "wrong-key-of-a-test" }, 401],
    [{ path: `${hub.base}/../../x` }, 400],
    [{ path: `${hub.base}/%2e%2e/x` }, 400],
    [{ path: `${hub.base}/a%5cb` }, 400],
    [{ path, headers: { "Sallyport-Timeout": "0" } }, 400],
    [{ path, headers: { "Sallyport-Timeout": "600001" } }, 400],
    [{ path, headers: { "Sallyport-Timeout": "soon" } }, 400],
    [{ path: "/api/v1/primaries/nobody/netbackup/x" }, 404],
    [{ path, method: "POST", body: Buffer.from([0xff, 0xfe]) }, 415, "not_text"],
  ];
  for (const [call, status, relay] of cases) {
    const reply = await hub.fixture.call(call);
    assert.deepEqual(
      [reply.status, reply.headers["sallyport-error"]],
      [status, relay],
      `${call.path} ${status}`,
    );
    assert.equal(reply.headers["content-type"], "application/problem+json");
    assert.deepEqual((reply.json() as Problem).errorDetails, []);
  }
  assert.equal(heard, 0);
});

test("gateway - answers 413 for a body that no message of NBWSS 1.0 can carry, declared, chunked or grown by its escapes", async () => {
  await using hub = await withPrimary(() => ok(), { limits: { maxMessageBytes: 10_000 }, extensions: false });
  const path = `${hub.base}/x`;
  const sent: [body: string, headers: Record<string, string>][] = [
    ["x".repeat(10_001), {}],
    ["x".repeat(10_001), { "Transfer-Encoding": "chunked" }],
    ["\n".repeat(6_000), {}],
  ];
  for (const [body, headers] of sent) {
    const reply = await hub.fixture.call({ path, method: "POST", body, headers });
    assert.deepEqual([reply.status, reply.headers["sallyport-error"]], [413, "too_large"]);
    assert.equal((reply.json() as Problem).mayHaveBeenExecuted, false);
  }
  assert.equal((await hub.fixture.call({ path, method: "POST", body: "x".repeat(9_000) })).status, 200);
});

test("gateway - answers 503 when the primary is not connected", async () => {
  await using fixture = await HubFixture.start();
  const { id } = await fixture.enrol();
  const reply = await fixture.call({ path: `/api/v1/primaries/${id}/netbackup/x` });
  assert.deepEqual(
    [reply.status, reply.headers["sallyport-error"], reply.headers["retry-after"]],
    [503, "not_connected", "5"],
  );
  const { mayHaveBeenExecuted, retrySafe } = reply.json() as Problem;
  assert.deepEqual([mayHaveBeenExecuted, retrySafe], [false, true]);
});

testBothWays(
  "gateway - answers 504 at the caller's deadline and says whether a retry is safe",
  async (more) => {
    const clock = new ManualClock(Date.now());
    const { execute, asked } = silent();
    await using hub = await withPrimary(execute, { clock, ...more });
    const replying = hub.fixture.call({
      path: `${hub.base}/x`,
      method: "POST",
      headers: { "Sallyport-Timeout": "5000" },
    });
    await asked;
    clock.advance(5_000);
    const reply = await replying;
    assert.deepEqual([reply.status, reply.headers["sallyport-error"]], [504, "timeout"]);
    const { mayHaveBeenExecuted, retrySafe } = reply.json() as Problem;
    assert.deepEqual([mayHaveBeenExecuted, retrySafe], [true, false]);
    const [line] = hub.fixture.log.all("command.answered");
    assert.deepEqual([line?.["end"], line?.["ms"]], ["timeout", 5_000]);
  },
);

testBothWays("gateway - answers 502 lost when the connection ends before the answer", async (more) => {
  const { execute, asked } = silent();
  await using hub = await withPrimary(execute, more);
  const replying = hub.fixture.call({ path: `${hub.base}/x` });
  await asked;
  await hub.connection.close(1001, "going");
  const reply = await replying;
  assert.deepEqual([reply.status, reply.headers["sallyport-error"]], [502, "lost"]);
  const { mayHaveBeenExecuted, retrySafe } = reply.json() as Problem;
  assert.deepEqual([mayHaveBeenExecuted, retrySafe], [true, true]);
});

testBothWays("gateway - answers 502 bad_answer for what is no HTTP response", async (more) => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, "1"]));
  const answers: CommandAnswer[] = [
    { status: 101, headers: { upgrade: "x" }, body: "" },
    // Under the extension our own end does not send it.
    ...(more.extensions ? [] : [{ status: 1_000, headers: {}, body: "" }]),
    { status: 200, headers: many, body: "" },
  ];
  await using hub = await withPrimary(
    () => Promise.resolve(answers.shift() ?? { status: 200, headers: {}, body: "" }),
    more,
  );
  while (answers.length > 0) {
    const reply = await hub.fixture.call({ path: `${hub.base}/x` });
    assert.deepEqual([reply.status, reply.headers["sallyport-error"]], [502, "bad_answer"]);
  }
  assert.equal((await hub.fixture.call({ path: `${hub.base}/x` })).status, 200);
});

testBothWays("gateway - cancels the command of a caller that leaves", async (more) => {
  const { execute, asked } = silent();
  await using hub = await withPrimary(execute, more);
  const caller = new AbortController();
  const call = hub.fixture.call({ path: `${hub.base}/x`, signal: caller.signal });
  await asked;
  const answered = hub.fixture.log.next("command.answered");
  caller.abort();
  await assert.rejects(call, { name: "AbortError" });
  assert.equal((await answered)["end"], "cancelled");
});

test("gateway - answers 429 above the commands that one primary may have, and serves the others", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  await using hub = await withPrimary(
    async () => {
      started.resolve();
      await release.promise;
      return { status: 200, headers: {}, body: "late" };
    },
    { limits: { maxCommandsPerPrimary: 1, maxQueuedCommandsPerPrimary: 0 } },
  );
  const first = hub.fixture.call({ path: `${hub.base}/x` });
  await started.promise;
  const second = await hub.fixture.call({ path: `${hub.base}/x` });
  assert.deepEqual(
    [second.status, second.headers["sallyport-error"], second.headers["retry-after"]],
    [429, "busy", "1"],
  );
  release.resolve();
  assert.equal((await first).text, "late");
});

test("gateway - lets commands end when the hub closes, up to its bound, and refuses new ones", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  await using hub = await withPrimary(async () => {
    started.resolve();
    await release.promise;
    return { status: 200, headers: {}, body: "done" };
  });
  const running = hub.fixture.call({ path: `${hub.base}/x` });
  await started.promise;
  const closing = hub.fixture.hub.close();
  const refused = await hub.fixture.call({ path: `${hub.base}/x` });
  assert.deepEqual([refused.status, refused.headers["sallyport-error"]], [503, "not_connected"]);
  assert.equal((await hub.fixture.call({ path: "/readyz", key: null })).status, 503);
  release.resolve();
  assert.equal((await running).text, "done");
  await closing;
});

test("gateway - answers lost when the hub has waited long enough", async () => {
  const clock = new ManualClock(Date.now());
  const { execute, asked } = silent();
  await using hub = await withPrimary(execute, { clock });
  const running = hub.fixture.call({ path: `${hub.base}/x` });
  await asked;
  const closing = hub.fixture.hub.close();
  clock.advance(10_000);
  assert.equal((await running).headers["sallyport-error"], "lost");
  await closing;
});

test("gateway - a body that nobody read is not taken for the next request", async () => {
  await using hub = await withPrimary(() => ok("served"));
  const { hostname, port } = new URL(hub.fixture.url);
  const socket = connect({ host: hostname, port: Number(port), ca: hub.fixture.ca });
  const inner = `GET ${hub.base}/smuggled HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${adminKey}\r\n\r\n`;
  socket.write(
    `POST ${hub.base}/../x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${adminKey}\r\nContent-Length: 99999\r\n\r\n${inner}`,
  );
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.equal(text.split("HTTP/1.1").length, 2);
  assert.deepEqual(hub.fixture.log.all("command.answered"), []);
});

test("gateway - refuses requests with two lengths", async () => {
  await using hub = await withPrimary(() => ok("served"));
  const { hostname, port } = new URL(hub.fixture.url);
  const socket = connect({ host: hostname, port: Number(port), ca: hub.fixture.ca });
  socket.write(
    `POST ${hub.base}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${adminKey}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  );
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  assert.match(text, /^HTTP\/1\.1 400 /);
});
