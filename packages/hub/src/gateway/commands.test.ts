import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { connect } from "node:tls";
import type { Command, CommandAnswer } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { Problem, StoredCommand } from "../index.ts";
import { adminKey, HubFixture } from "../testing/hub-fixture.ts";

const answer = (body: string, status = 200): CommandAnswer => ({ status, headers: {}, body });
const prefer = { Prefer: "respond-async" };

/** Resolves when a stored command has ended. */
async function ended(fixture: HubFixture, location: string): Promise<StoredCommand> {
  for (;;) {
    const finished = fixture.log.next("command.finished");
    const command = (await fixture.call({ path: location })).json() as StoredCommand;
    if (command.finishedAt !== null) return command;
    await finished;
  }
}

test("stored commands - wait for their primary, are sent once and in order, and keep the answer", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  const accepted = [];
  for (const n of [1, 2, 3]) {
    accepted.push(await fixture.post(`${base}/admin/manual-backup?n=${n}`, { n }, { headers: prefer }));
  }
  for (const { status, headers } of accepted) {
    assert.equal(status, 202);
    assert.match(headers.location ?? "", /^\/api\/v1\/commands\/[\w-]+$/);
  }
  const [first] = accepted;
  const waiting = (await fixture.call({ path: first?.headers.location ?? "" })).json() as StoredCommand;
  assert.deepEqual([waiting.state, waiting.answer], ["queued", null]);
  const seen: Command[] = [];
  await fixture.dial(primary, (command) => {
    seen.push(command);
    return Promise.resolve(answer(`done ${command.parameters}`, 202));
  });
  for (const { headers } of accepted) {
    const command = await ended(fixture, headers.location ?? "");
    assert.deepEqual([command.state, command.answer?.status], ["done", 202]);
  }
  assert.deepEqual(
    seen.map(({ uri }) => uri),
    [1, 2, 3].map((n) => `/netbackup/admin/manual-backup?n=${n}`),
  );
  const list = (await fixture.call({ path: "/api/v1/commands?limit=2" })).json() as {
    data: StoredCommand[];
    next: string;
  };
  assert.equal(list.data.length, 2);
  const rest = (await fixture.call({ path: `/api/v1/commands?cursor=${list.next}` })).json() as typeof list;
  assert.deepEqual([rest.data.length, rest.next], [1, null]);
});

test("stored commands - expire unsent, and can be taken back until they are sent", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock });
  const primary = await fixture.enrol();
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  const expiring = await fixture.post(
    `${base}/a`,
    {},
    { headers: { ...prefer, "Sallyport-Timeout": "5000" } },
  );
  const cancelled = await fixture.post(`${base}/b`, {}, { headers: prefer });
  const location = cancelled.headers.location ?? "";
  assert.equal((await fixture.call({ path: location, method: "DELETE" })).status, 204);
  assert.equal((await fixture.call({ path: location, method: "DELETE" })).status, 409);
  const finished = fixture.log.next("command.finished");
  clock.advance(6_000);
  await finished;
  const states = [expiring, cancelled].map(async ({ headers }) => {
    const command = (await fixture.call({ path: headers.location ?? "" })).json() as StoredCommand;
    return [command.state, command.mayHaveBeenExecuted, command.retrySafe];
  });
  assert.deepEqual(await Promise.all(states), [
    ["expired", false, true],
    ["cancelled", false, true],
  ]);
});

test("stored commands - one that waits for its turn can still be taken back, one that has left can't", async () => {
  await using fixture = await HubFixture.start({ limits: { maxCommandsPerPrimary: 1 } });
  const primary = await fixture.enrol();
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  const seen: string[] = [];
  const asked = { first: Promise.withResolvers<void>(), kept: Promise.withResolvers<void>() };
  const release = Promise.withResolvers<void>();
  const connection = await fixture.dial(primary, async ({ uri }) => {
    seen.push(uri);
    if (uri.endsWith("/first")) {
      asked.first.resolve();
      await release.promise;
      return answer("ok");
    }
    asked.kept.resolve();
    return new Promise(() => {});
  });
  const first = fixture.call({ path: `${base}/first` });
  await asked.first.promise;
  const store = async (name: string) => {
    const { headers } = await fixture.post(`${base}/${name}`, {}, { headers: prefer });
    return headers.location ?? "";
  };
  const waiting = await store("taken-back");
  const stateOf = async (path: string) => (await fixture.call({ path })).json() as StoredCommand;
  assert.equal((await stateOf(waiting)).state, "sent");
  const kept = await store("kept");
  assert.equal((await fixture.call({ path: waiting, method: "DELETE" })).status, 204);
  const { state, mayHaveBeenExecuted, retrySafe } = await stateOf(waiting);
  assert.deepEqual([state, mayHaveBeenExecuted, retrySafe], ["cancelled", false, true]);
  release.resolve();
  assert.equal((await first).text, "ok");
  await asked.kept.promise;
  const refused = await fixture.call({ path: kept, method: "DELETE" });
  assert.deepEqual([refused.status, (refused.json() as Problem).code], [409, "command_sent"]);
  await connection.close();
  assert.equal((await ended(fixture, kept)).state, "unknown");
  assert.deepEqual(
    seen.map((uri) => uri.slice("/netbackup/".length)),
    ["first", "kept"],
  );
});

test("idempotency key - keeps one command, also when it is a GET, and means nothing for a GET that is answered at once", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const path = `/api/v1/primaries/${primary.id}/netbackup/admin/jobs`;
  const get = (key: string, more = {}) =>
    fixture.call({ path, headers: { ...more, "Idempotency-Key": key } });
  const [one, two, other] = [await get("k1", prefer), await get("k1", prefer), await get("k2", prefer)];
  assert.deepEqual([one.status, two.status, two.headers["idempotency-replayed"]], [202, 202, "true"]);
  assert.equal(two.headers.location, one.headers.location);
  assert.notEqual(other.headers.location, one.headers.location);
  let calls = 0;
  await fixture.dial(primary, () => {
    calls += 1;
    return Promise.resolve(answer(`call ${calls}`));
  });
  for (const { headers } of [one, other]) await ended(fixture, headers.location ?? "");
  assert.deepEqual([(await get("k3")).text, (await get("k3")).text], ["call 3", "call 4"]);
});

test("idempotency key - has a command carried out once, and answers its repeats alike", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  let calls = 0;
  await fixture.dial(primary, () => {
    calls += 1;
    return Promise.resolve(answer(`call ${calls}`, 201));
  });
  const path = `/api/v1/primaries/${primary.id}/netbackup/admin/manual-backup`;
  const headers = { "Idempotency-Key": "k1" };
  const [one, two] = [
    await fixture.post(path, { a: 1 }, { headers }),
    await fixture.post(path, { a: 1 }, { headers }),
  ];
  assert.deepEqual([one.status, one.text, two.status, two.text, calls], [201, "call 1", 201, "call 1", 1]);
  assert.deepEqual(
    [one.headers["idempotency-replayed"], two.headers["idempotency-replayed"]],
    [undefined, "true"],
  );
  const other = await fixture.post(path, { a: 2 }, { headers });
  assert.deepEqual([other.status, (other.json() as Problem).code], [422, "idempotency_mismatch"]);
  assert.equal((await fixture.post(path, { a: 1 }, { headers: { "Idempotency-Key": "k 2" } })).status, 400);
});

test("idempotency key - a command whose answer was lost is not sent again", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  let calls = 0;
  const asked = Promise.withResolvers<void>();
  const connection = await fixture.dial(primary, () => {
    calls += 1;
    asked.resolve();
    return new Promise(() => {});
  });
  const path = `/api/v1/primaries/${primary.id}/netbackup/admin/manual-backup`;
  const headers = { "Idempotency-Key": "k1" };
  const lost = fixture.post(path, {}, { headers });
  await asked.promise;
  const running = await fixture.post(path, {}, { headers });
  assert.deepEqual([running.status, (running.json() as Problem).code], [409, "idempotency_running"]);
  await connection.close();
  assert.equal((await lost).status, 502);
  await fixture.dial(primary, () => Promise.resolve(answer("")));
  const again = await fixture.post(path, {}, { headers });
  assert.deepEqual([again.status, (again.json() as Problem).code, calls], [409, "idempotency_unknown", 1]);
});

test("idempotency key - creates one primary, however often it is sent", async () => {
  await using fixture = await HubFixture.start();
  const headers = { "Idempotency-Key": "enrol-1" };
  const one = await fixture.post("/api/v1/primaries", { name: "a" }, { headers });
  const two = await fixture.post("/api/v1/primaries", { name: "a" }, { headers });
  assert.deepEqual([one.status, two.status, two.text], [201, 201, one.text]);
  assert.equal(two.headers["idempotency-replayed"], "true");
  const refused = await fixture.post(
    "/api/v1/primaries",
    { name: "" },
    { headers: { "Idempotency-Key": "e2" } },
  );
  const mended = await fixture.post(
    "/api/v1/primaries",
    { name: "" },
    { headers: { "Idempotency-Key": "e2" } },
  );
  assert.deepEqual([refused.status, mended.status], [400, 400]);
});

test("stored credential - logs in once, keeps the token, and logs in again when it is refused", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const seen: string[] = [];
  let good = "jwt-1";
  await fixture.dial(primary, async (command) => {
    seen.push(`${command.method} ${command.uri}`);
    if (command.uri === "/netbackup/login") {
      const { password } = JSON.parse(command.parameters ?? "{}") as { password: string };
      return password === "right"
        ? answer(JSON.stringify({ token: good, validity: 3600 }), 201)
        : answer("{}", 401);
    }
    return command.headers["Authorization"] === good ? answer("ok") : answer("{}", 401);
  });
  const own = `/api/v1/primaries/${primary.id}`;
  const put = (password: string) =>
    fixture.call({
      path: `${own}/credential`,
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ userName: "hub", password }),
    });
  const stored = await put("right");
  assert.equal(stored.status, 200);
  assert.ok(!stored.text.includes("right"));
  const jobs = () => fixture.call({ path: `${own}/netbackup/admin/jobs` });
  assert.deepEqual(
    (await Promise.all([jobs(), jobs(), jobs()])).map(({ text }) => text),
    ["ok", "ok", "ok"],
  );
  assert.equal(seen.filter((call) => call.includes("login")).length, 1);
  good = "jwt-2";
  assert.equal((await jobs()).text, "ok");
  assert.equal(seen.filter((call) => call.includes("login")).length, 2);
  // The caller's own comes first.
  const foreign = { "X-NetBackup-Authorization": "jwt-of-caller" };
  assert.equal((await fixture.call({ path: `${own}/netbackup/admin/jobs`, headers: foreign })).status, 401);
  await put("wrong");
  const refused = await jobs();
  assert.deepEqual(
    [refused.status, refused.headers["sallyport-error"], (refused.json() as Problem).mayHaveBeenExecuted],
    [502, "login_failed", false],
  );
  const logins = seen.filter((call) => call.includes("login")).length;
  await jobs();
  assert.equal(
    seen.filter((call) => call.includes("login")).length,
    logins,
    "a wrong password is not tried again at once",
  );
  assert.equal((await fixture.call({ path: `${own}/credential`, method: "DELETE" })).status, 204);
  assert.equal((await jobs()).status, 401);
  assert.equal((await fixture.call({ path: `${own}/credential` })).status, 404);
});

test("gateway - has each command in the audit: who, what, how it ended", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  await fixture.dial(primary, () => Promise.resolve(answer("", 204)));
  const path = `/api/v1/primaries/${primary.id}/netbackup/catalog/images/x?secret=1`;
  const reply = await fixture.call({ path, method: "DELETE" });
  assert.equal(reply.status, 204);
  const id = String(reply.headers["sallyport-command-id"]);
  await fixture.hub.close();
  const line = fixture.log.all("command.answered").find(({ commandId }) => commandId === id);
  assert.equal(line?.["end"], "answered");
});

test("gateway - callers take turns at a busy primary, and whoever waits too long is told", async () => {
  const clock = new ManualClock(Date.now());
  const limits = { maxCommandsPerPrimary: 1, maxQueuedCommandsPerPrimary: 1 };
  await using fixture = await HubFixture.start({ clock, limits });
  const primary = await fixture.enrol();
  const running: (() => void)[] = [];
  const asked = Promise.withResolvers<void>();
  await fixture.dial(primary, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    running.push(resolve);
    asked.resolve();
    await promise;
    return answer("ok");
  });
  const call = () => fixture.call({ path: `/api/v1/primaries/${primary.id}/netbackup/x` });
  const first = call();
  await asked.promise;
  const second = call();
  const third = await until429(call);
  assert.equal(third.headers["sallyport-error"], "busy");
  clock.advance(10_000);
  assert.equal((await second).status, 429);
  running[0]?.();
  assert.equal((await first).text, "ok");
});

/** Calls until one is refused: the one before it has then taken the last place. */
async function until429(call: () => ReturnType<HubFixture["call"]>) {
  for (;;) {
    const reply = await call();
    if (reply.status === 429) return reply;
  }
}

test("gateway - carries bodies of 32 MiB both ways over NBWSS 1.0, and refuses one byte more unread", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const limits = { maxMessageBytes: 72 * 1024 * 1024 };
  const echo = ({ parameters = "" }) => Promise.resolve(answer(parameters));
  await fixture.dial(primary, echo, limits, { extensions: false });
  const body = "\u00fcx".repeat((32 * 1024 * 1024) / 3).padEnd(32 * 1024 * 1024 - 11_184_810, "y");
  const path = `/api/v1/primaries/${primary.id}/netbackup/echo`;
  const exact = Buffer.from(body).subarray(0, 32 * 1024 * 1024);
  const echoed = await fixture.call({ path, method: "POST", body: exact });
  assert.equal(echoed.status, 200);
  assert.ok(Buffer.from(echoed.text).equals(exact));
  const headers = { "Content-Length": String(32 * 1024 * 1024 + 1) };
  const refused = await fixture.call({ path, method: "POST", headers });
  assert.deepEqual([refused.status, refused.headers["sallyport-error"]], [413, "too_large"]);
});

test("gateway - cuts a caller that asks and does not read, and delays nobody else", async () => {
  await using fixture = await HubFixture.start({ limits: { maxReaderStallMs: 100 } });
  const primary = await fixture.enrol();
  const big = "x".repeat(16 * 1024 * 1024);
  await fixture.dial(
    primary,
    ({ uri }) => Promise.resolve(answer(uri.endsWith("/big") ? big : "small")),
    {
      maxMessageBytes: 72 * 1024 * 1024,
    },
    { extensions: false },
  );
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  const { hostname, port } = new URL(fixture.url);
  const stalled = connect({ host: hostname, port: Number(port), ca: fixture.ca });
  await once(stalled, "secureConnect");
  stalled.pause();
  stalled.write(`GET ${base}/big HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${adminKey}\r\n\r\n`);
  await fixture.log.next("command.answered");
  const small = await Promise.all([1, 2, 3].map((n) => fixture.call({ path: `${base}/${n}` })));
  assert.deepEqual(new Set(small.map(({ text }) => text)), new Set(["small"]));
  stalled.on("error", () => stalled.destroy());
  const closed = new Promise((resolve) => stalled.once("close", resolve));
  // Read what the kernel has; the rest was cut off, so it is not the whole answer.
  let read = 0;
  // The primary's, and the one that asks.
  while ((await tcpConnections(fixture)) > 2);
  stalled.on("data", (chunk: Buffer) => (read += chunk.length));
  stalled.resume();
  await closed;
  assert.ok(read < big.length, `${read} bytes were read`);
});

async function tcpConnections(fixture: HubFixture): Promise<number> {
  const { text } = await fixture.call({ path: "/metrics" });
  return Number(/^sallyport_hub_tcp_connections (\d+)$/m.exec(text)?.[1]);
}
