import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { adminKey, HubFixture } from "../testing/hub-fixture.ts";
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
  assert.deepEqual(shown.json(), { name: "first administrator", role: "administrator" });
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

test("session - ends after its time", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock });
  const started = await fixture.post(path, { apiKey: adminKey }, { key: null });
  const headers = { Cookie: started.headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "" };
  clock.advance(12 * 3_600_000 - 1);
  assert.equal((await fixture.call({ path, key: null, headers })).status, 200);
  clock.advance(1);
  assert.equal((await fixture.call({ path, key: null, headers })).status, 401);
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
  assert.deepEqual(
    ["a", "b", "c"].map((address) => throttle.waitS(address)),
    [0, 1, 1],
  );
});
