import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { AuditItem } from "../index.ts";
import { HubFixture } from "../testing/hub-fixture.ts";

const path = "/api/v1/audit";
type Page = { data: AuditItem[]; next: string | null };

async function read(fixture: HubFixture, query = "", key?: string): Promise<Page> {
  const reply = await fixture.call({ path: `${path}?${query}`, ...(key === undefined ? {} : { key }) });
  assert.equal(reply.status, 200, reply.text);
  return reply.json() as Page;
}
const actions = ({ data }: Page) => data.map(({ action, result }) => `${action} ${result}`);

test("audit - has each change with who, from where, what and result, newest first and by page", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol("store-17");
  await fixture.post("/api/v1/primaries", { name: "store-17" });
  const { id, key } = await fixture.makeKey({ name: "viewer" });
  await fixture.post("/api/v1/primaries", { name: "b" }, { key });
  const all = await read(fixture);
  assert.deepEqual(actions(all), [
    "POST /api/v1/primaries forbidden",
    "POST /api/v1/api-keys done",
    "POST /api/v1/primaries name_taken",
    "POST /api/v1/primaries done",
  ]);
  assert.equal(all.next, null);
  const [refused, made, , enrolled] = all.data;
  assert.deepEqual(refused?.actor, { kind: "api-key", id, name: "viewer" });
  assert.deepEqual([refused?.status, refused?.from], [403, "127.0.0.1"]);
  assert.equal(made?.target, `/api-keys/${id}`);
  assert.equal(enrolled?.target, `/primaries/${primary.id}`);
  const first = await read(fixture, "limit=3");
  const rest = await read(fixture, `limit=3&cursor=${first.next ?? ""}`);
  assert.deepEqual([...first.data, ...rest.data], all.data);
  assert.equal(rest.next, null);
  for (const [query, found] of [
    [`actor=${id}`, 1],
    ["actor=nobody", 0],
    ["action=POST%20/api/v1/prim", 3],
    [`target=/primaries/${primary.id}`, 1],
    [`primary=${primary.id}`, 1],
    ["result=done", 2],
    [`result=done&primary=${primary.id}&action=DELETE`, 0],
  ] as const) {
    assert.equal((await read(fixture, query)).data.length, found, query);
  }
  assert.equal((await fixture.call({ path: `${path}?cursor=x` })).status, 400);
});

test("audit - is limited to a time", async () => {
  const clock = new ManualClock(Date.parse("2026-11-24T08:00:00Z"));
  await using fixture = await HubFixture.start({ clock });
  for (const name of ["a", "b", "c"]) {
    await fixture.makeKey({ name });
    clock.advance(60_000);
  }
  const times = async (query: string) =>
    (await read(fixture, query)).data.map(({ time }) => time.slice(11, 16));
  assert.deepEqual(await times("since=2026-11-24T08:01:00Z"), ["08:02", "08:01"]);
  assert.deepEqual(await times("until=2026-11-24T09:02:00%2B01:00"), ["08:01", "08:00"]);
  assert.deepEqual(await times("since=2026-11-24T08:01:00Z&until=2026-11-24T08:02:00Z"), ["08:01"]);
});

test("audit - shows operators what concerns their primaries and themselves, viewers nothing", async () => {
  await using fixture = await HubFixture.start();
  const reply = await fixture.post("/api/v1/primaries", { name: "a", labels: { site: "a" } });
  const { id } = reply.json() as { id: string };
  await fixture.enrol("b");
  const scope = { kind: "labels", labels: { site: "a" } };
  const whole = await fixture.makeKey({ name: "operator", role: "operator" });
  const site = await fixture.makeKey({ name: "site", role: "operator", scope });
  const viewer = await fixture.makeKey({ name: "viewer" });
  await fixture.post("/api/v1/primaries", { name: "c" }, { key: site.key });
  assert.equal((await fixture.call({ path, key: viewer.key })).status, 403);
  assert.equal((await read(fixture)).data.length, 6);
  const targets = async (key: string) => (await read(fixture, "", key)).data.map(({ target }) => target);
  assert.deepEqual(await targets(site.key), ["/primaries", `/primaries/${id}`]);
  assert.equal((await targets(whole.key)).filter((target) => target.startsWith("/primaries/")).length, 2);
  assert.ok(!(await targets(whole.key)).some((target) => target.startsWith("/api-keys")));
});

test("audit - has sign-ins, failed ones and refused keys, but only so many, and never what was tried", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock, limits: { maxFailuresPerAddress: 3 } });
  const password = "a password of tests";
  const user = await fixture.post("/api/v1/users", { login: "alice", password });
  const { id } = user.json() as { id: string };
  const session = "/api/v1/session";
  await fixture.post(session, { login: "alice", password }, { key: null });
  await fixture.post(session, { login: "alice", password: "wrong-word-of-a-test" }, { key: null });
  await fixture.post(session, { login: "typed-in-the-wrong-field", password }, { key: null });
  await fixture.post(session, { apiKey: "wrong-key-of-a-test" }, { key: null });
  for (let tries = 0; tries < 5; tries += 1) {
    await fixture.call({ path: "/api/v1/primaries", key: "wrong-key-of-a-test" });
  }
  clock.advance(60_000);
  const { data } = await read(fixture);
  const entries = data.map(({ actor, action, target, result }) => [
    actor?.id ?? null,
    action,
    target,
    result,
  ]);
  const refused = [null, "authenticate", "/api-keys", "unauthenticated"];
  const signIn = "POST /api/v1/session";
  assert.deepEqual(entries.slice(0, 6), [
    refused,
    refused,
    [null, signIn, "/session", "unauthenticated"],
    [null, signIn, "/session", "unauthenticated"],
    [null, signIn, `/users/${id}`, "unauthenticated"],
    [id, signIn, "/session", "done"],
  ]);
  assert.ok(data.every(({ requestId }) => requestId !== ""));
  assert.ok(!/wrong-|typed-/.test(JSON.stringify(data)));
});
