import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { ApiKey } from "../index.ts";
import { adminKey, HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";

const path = "/api/v1/api-keys";
type Page = { data: ApiKey[]; next: string | null };

test("api keys - are made, shown once, listed by page and revoked, with the sessions made from them", async () => {
  await using fixture = await HubFixture.start();
  const scope = { kind: "labels", labels: { site: "a" } };
  const { key, ...made } = await fixture.makeKey({ name: "b-application", role: "operator", scope });
  assert.match(key, /^sallyport_[\w-]{43}$/);
  const { id, createdAt, ...rest } = made;
  assert.deepEqual(rest, {
    name: "b-application",
    role: "operator",
    scope,
    expiresAt: null,
    lastUsedAt: null,
    lastUsedFrom: null,
  });
  assert.ok(Date.parse(createdAt) > 0);
  const shown = await fixture.call({ path: `${path}/${id}` });
  assert.deepEqual(shown.json(), made);
  await fixture.makeKey({ name: "a-viewer" });
  const first = (await fixture.call({ path: `${path}?limit=2` })).json() as Page;
  const last = (await fixture.call({ path: `${path}?cursor=${first.next ?? ""}` })).json() as Page;
  assert.deepEqual(
    [...first.data, ...last.data].map(({ name }) => name),
    ["a-viewer", "b-application", "first administrator"],
  );
  assert.equal(last.next, null);
  const headers = await fixture.signIn({ apiKey: key });
  const show = async () => (await fixture.call({ path: "/api/v1/session", key: null, headers })).status;
  assert.equal(await show(), 200);
  assert.equal((await fixture.call({ path: `${path}/${id}`, method: "DELETE" })).status, 204);
  assert.equal(await show(), 401);
  assert.equal((await fixture.call({ path: "/api/v1/primaries", key })).status, 401);
  for (const method of ["GET", "DELETE"]) {
    const gone = await fixture.call({ path: `${path}/${id}`, method });
    assert.equal((gone.json() as { code: string }).code, "no_such_key");
  }
});

test("api keys - that have expired are refused with their own words, and end their sessions", async () => {
  const clock = new ManualClock(Date.parse("2026-11-24T08:00:00Z"));
  await using fixture = await HubFixture.start({ clock });
  for (const expiresAt of ["2026-11-24T08:00:00Z", "tomorrow"]) {
    assert.equal((await fixture.post(path, { name: "late", expiresAt })).status, 400, expiresAt);
  }
  const { key, expiresAt } = await fixture.makeKey({ name: "short", expiresAt: "2026-11-24T10:00:00+01:00" });
  assert.equal(expiresAt, "2026-11-24T09:00:00.000Z");
  const headers = await fixture.signIn({ apiKey: key });
  clock.advance(1_800_000);
  assert.equal((await fixture.call({ path: "/api/v1/session", key: null, headers })).status, 200);
  clock.advance(1_800_000);
  assert.equal((await fixture.call({ path: "/api/v1/session", key: null, headers })).status, 401);
  for (const tries of [1, 2, 3]) {
    const refused = await fixture.call({ path: "/api/v1/primaries", key });
    assert.equal(refused.status, 401, String(tries));
    assert.match((refused.json() as { detail: string }).detail, /"short" has expired \(2026-11-24T09:00/);
  }
  assert.equal(fixture.log.all("access.refused").length, 1, "written down once a minute");
  assert.equal(
    (await fixture.call({ path: "/api/v1/primaries" })).status,
    200,
    "the address is not throttled",
  );
});

test("api keys - show when and from where they were used last, also after a restart", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const clock = new ManualClock(Date.parse("2026-11-24T08:00:00Z"));
  let made: { id: string; key: string };
  const use = (fixture: HubFixture) => fixture.call({ path: "/api/v1/primaries", key: made.key });
  const shown = async (fixture: HubFixture) => {
    const { lastUsedAt, lastUsedFrom } = (
      await fixture.call({ path: `${path}/${made.id}` })
    ).json() as ApiKey;
    return [lastUsedAt, lastUsedFrom];
  };
  {
    await using fixture = await HubFixture.start({ dataDir, clock });
    made = await fixture.makeKey({ name: "application" });
    await use(fixture);
    assert.deepEqual(await shown(fixture), ["2026-11-24T08:00:00.000Z", "127.0.0.1"]);
    clock.advance(30_000);
    await use(fixture);
    assert.deepEqual(await shown(fixture), ["2026-11-24T08:00:30.000Z", "127.0.0.1"]);
  }
  await using again = await HubFixture.start({ dataDir, clock });
  assert.deepEqual(await shown(again), ["2026-11-24T08:00:30.000Z", "127.0.0.1"]);
});

test("api keys - never reach beyond whoever makes them, nor are seen or revoked from beyond", async () => {
  await using fixture = await HubFixture.start();
  const labels = (value: object) => ({ kind: "labels", labels: value });
  const ids = (...list: string[]) => ({ kind: "primaries", ids: list });
  const site = await fixture.makeKey({ name: "site", role: "administrator", scope: labels({ site: "a" }) });
  const some = await fixture.makeKey({ name: "some", role: "administrator", scope: ids("1", "2") });
  const create = async (key: string, scope: object, name: string) =>
    (await fixture.post(path, { name, role: "administrator", scope }, { key })).status;
  assert.equal(await create(site.key, labels({ site: "a", rack: "7" }), "x1"), 201);
  assert.equal(await create(site.key, labels({ rack: "7" }), "x2"), 403);
  assert.equal(await create(site.key, { kind: "all" }, "x3"), 403);
  assert.equal(await create(site.key, ids("1"), "x4"), 403);
  assert.equal(await create(some.key, ids("2"), "x5"), 201);
  assert.equal(await create(some.key, ids("2", "3"), "x6"), 403);
  assert.equal(await create(some.key, labels({ site: "a" }), "x7"), 403);
  const listed = (await fixture.call({ path, key: site.key })).json() as Page;
  assert.deepEqual(
    listed.data.map(({ name }) => name),
    ["site", "x1"],
  );
  assert.equal((await fixture.call({ path: `${path}/${some.id}`, key: site.key })).status, 404);
  assert.equal(
    (await fixture.call({ path: `${path}/${some.id}`, key: site.key, method: "DELETE" })).status,
    404,
  );
});

test("api keys - have names of their own, and only so many", async () => {
  await using fixture = await HubFixture.start({ limits: { maxApiKeys: 3 } });
  const statuses = await Promise.all(
    ["a", "a", "b", "c"].map(async (name) => (await fixture.post(path, { name })).status),
  );
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [201, 201, 409, 429],
  );
});

test("api keys - the last administrator stays, whoever is made or removed at once", async () => {
  await using fixture = await HubFixture.start();
  const list = async () => ((await fixture.call({ path })).json() as Page).data;
  const [first] = await list();
  const remove = async (id = "", key = adminKey) =>
    (await fixture.call({ path: `${path}/${id}`, method: "DELETE", key })).status;
  assert.equal(await remove(first?.id), 409);
  await fixture.makeKey({ name: "expires", role: "administrator", expiresAt: "2999-01-01T00:00:00Z" });
  await fixture.makeKey({ name: "site", role: "administrator", scope: { kind: "primaries", ids: [] } });
  assert.equal(await remove(first?.id), 409, "neither of these administers the hub for good");
  const second = await fixture.makeKey({ name: "second", role: "administrator" });
  const both = await Promise.all([remove(first?.id), remove(second.id, second.key)]);
  assert.deepEqual(
    both.toSorted((a, b) => a - b),
    [204, 409],
  );
});
