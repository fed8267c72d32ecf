import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { adminKey, HubFixture } from "../testing/hub-fixture.ts";
import { Sessions } from "./sessions.ts";
import { Throttle } from "./throttle.ts";

const path = "/api/v1/session";

test("session - carries a browser with a cookie, until it is ended", async () => {
  await using fixture = await HubFixture.start();
  const started = await fixture.post(path, { apiKey: adminKey }, { key: null });
  assert.equal(started.status, 204);
  const [setCookie = ""] = started.headers["set-cookie"] ?? [];
  assert.match(
    setCookie,
    /^__Host-sallyport=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
  const Cookie = `other=1; ${setCookie.split(";", 1)[0]}`;
  const shown = await fixture.call({ path, key: null, headers: { Cookie } });
  const { id, ...session } = shown.json() as { id: string };
  assert.match(id, /^[\w-]{36}$/);
  assert.deepEqual(session, {
    kind: "api-key",
    name: "first administrator",
    role: "administrator",
    scope: { kind: "all" },
  });
  const own = { Cookie, Origin: fixture.url };
  assert.equal(
    (await fixture.call({ path: "/api/v1/primaries", key: null, headers: { Cookie } })).status,
    200,
  );
  for (const [headers, status] of [
    [{ Cookie }, 403],
    [{ Cookie, Origin: "https://evil.example" }, 403],
    [{ Cookie, Origin: "null" }, 403],
    [own, 201],
  ] as const) {
    const reply = await fixture.post("/api/v1/primaries", { name: "a" }, { key: null, headers });
    assert.equal(reply.status, status, JSON.stringify(Object.keys(headers)));
  }
  const primary = await fixture.enrol("b");
  const gateway = { path: `/api/v1/primaries/${primary.id}/netbackup/x`, key: null, method: "POST" };
  assert.equal((await fixture.call({ ...gateway, headers: { Cookie } })).status, 403);
  assert.equal((await fixture.call({ ...gateway, headers: own })).status, 503);
  assert.equal((await fixture.call({ path, method: "DELETE", key: null, headers: own })).status, 204);
  assert.equal((await fixture.call({ path, key: null, headers: { Cookie } })).status, 401);
});

test("session - ends an hour after its last use, and twelve hours after its start", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock });
  const headers = await fixture.signIn({ apiKey: adminKey });
  const show = async () => (await fixture.call({ path, key: null, headers })).status;
  for (let hours = 0; hours < 12; hours += 1) {
    assert.equal(await show(), 200);
    clock.advance(3_600_000 - 1);
  }
  assert.equal(await show(), 200);
  clock.advance(12);
  assert.equal(await show(), 401);
  const idle = await fixture.signIn({ apiKey: adminKey });
  clock.advance(3_600_000);
  assert.equal((await fixture.call({ path, key: null, headers: idle })).status, 401);
});

test("sessions - one owner has only so many, and pushes nobody else out", () => {
  const sessions = new Sessions({
    maxSessions: 4,
    maxSessionsPerOwner: 2,
    lifetimeMs: 1_000,
    idleMs: 1_000,
    now: () => 0,
  });
  const other = sessions.start({ kind: "user", id: "b" });
  const [first, second, third] = [1, 2, 3].map(() => sessions.start({ kind: "user", id: "a" }));
  const alive = [other, first, second, third].map((id) => sessions.ownerOf(id ?? "")?.id);
  assert.deepEqual(alive, ["b", undefined, "a", "a"]);
  sessions.endAllOf({ kind: "user", id: "a" }, third);
  assert.deepEqual(
    [other, second, third].map((id) => sessions.ownerOf(id ?? "")?.id),
    ["b", undefined, "a"],
  );
  for (const id of ["c", "d", "e"]) sessions.start({ kind: "api-key", id });
  assert.equal(sessions.ownerOf(other), undefined, "the oldest goes at the bound of all");
});

test("session - is not started by another site's page", async () => {
  await using fixture = await HubFixture.start();
  const headers = { Origin: "https://evil.example" };
  assert.equal((await fixture.post(path, { apiKey: adminKey }, { key: null, headers })).status, 403);
});

test("access - refuses missing, unknown and malformed keys alike, and throttles an address that goes on", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock, limits: { maxFailuresPerAddress: 3 } });
  const call = (key: string | null, headers = {}) =>
    fixture.call({ path: "/api/v1/primaries", key, headers });
  assert.equal((await call(null)).status, 401);
  assert.equal((await call(null, { Authorization: "Basic abc" })).status, 401);
  for (let tries = 0; tries < 3; tries += 1) assert.equal((await call("wrong-key-of-a-test")).status, 401);
  const throttled = await call(adminKey);
  assert.equal(throttled.status, 429);
  assert.equal(throttled.headers["retry-after"], "3");
  clock.advance(3_000);
  assert.equal((await call(adminKey)).status, 200);
});

test("throttle - remembers a bounded number of addresses and forgets the oldest", () => {
  const throttle = new Throttle({ maxFailures: 1, refillMs: 1_000, maxAddresses: 2, now: () => 0 });
  for (const address of ["a", "b", "c"]) throttle.fail(address);
  throttle.forgive("x");
  assert.deepEqual(
    ["a", "b", "c"].map((address) => throttle.waitS(address)),
    [0, 1, 1],
  );
});

test("throttle - takes back a try that succeeded", () => {
  const throttle = new Throttle({ maxFailures: 2, refillMs: 1_000, maxAddresses: 9, now: () => 0 });
  throttle.fail("a");
  throttle.fail("a");
  assert.equal(throttle.waitS("a"), 1);
  throttle.forgive("a");
  assert.equal(throttle.waitS("a"), 0);
  throttle.fail("a");
  assert.equal(throttle.waitS("a"), 1, "the other failure stays");
});

test("access - lets a key that the hub made in, however many wrong ones come from its address", async () => {
  await using fixture = await HubFixture.start({ limits: { maxFailuresPerAddress: 2 } });
  const { key } = await fixture.makeKey({ name: "application" });
  const call = async (tried: string) =>
    (await fixture.call({ path: "/api/v1/primaries", key: tried })).status;
  const guess = `sallyport_${"a".repeat(43)}`;
  assert.deepEqual([await call(guess), await call(guess), await call(guess)], [401, 401, 429]);
  assert.deepEqual([await call(key), await call(adminKey)], [200, 429]);
});

test("access - counts and shows the address that a trusted proxy names", async () => {
  const limits = { maxFailuresPerAddress: 1 };
  await using fixture = await HubFixture.start({ limits, trustedProxies: ["127.0.0.1"] });
  const call = async (from: string, key: string) =>
    (await fixture.call({ path: "/api/v1/primaries", key, headers: { "X-Forwarded-For": from } })).status;
  assert.equal(await call("203.0.113.1", "wrong-key-of-a-test"), 401);
  assert.equal(await call("203.0.113.1, 127.0.0.1", "wrong-key-of-a-test"), 429);
  assert.equal(await call("203.0.113.2", "wrong-key-of-a-test"), 401);
  const [first, second] = fixture.log.all("access.refused").map((line) => line["remoteAddress"]);
  assert.deepEqual([first, second], ["203.0.113.1", "203.0.113.2"]);
});

test("access - believes no X-Forwarded-For unless a proxy is trusted", async () => {
  await using fixture = await HubFixture.start();
  const headers = { "X-Forwarded-For": "203.0.113.1" };
  await fixture.call({ path: "/api/v1/primaries", key: "wrong-key-of-a-test", headers });
  assert.equal(fixture.log.all("access.refused")[0]?.["remoteAddress"], "127.0.0.1");
});
