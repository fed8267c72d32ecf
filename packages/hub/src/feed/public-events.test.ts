import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredEvent } from "../log/log.ts";
import { knownEvents } from "../log/known-events.ts";
import type { Scope } from "../access/roles.ts";
import { toFilter, matches, type FeedWish } from "./feed-filter.ts";
import { publicTypes, publicTypesOf, toPublic } from "./public-events.ts";

const event = (type: string, data: unknown, more: Partial<StoredEvent> = {}): StoredEvent => ({
  id: "1",
  type,
  source: "/primaries/a",
  subject: "/primaries/a",
  time: "2026-11-24T00:00:00.000Z",
  data,
  position: 7,
  ...more,
});

test("public events - show what is listed of the hub's own, notifications as they came, and nothing else", () => {
  const enrolled = { id: "a", name: "n", labels: {}, groupId: "g", priority: 1, tokenHash: "secret-hash" };
  assert.deepEqual(toPublic(event("sallyport.primary.enrolled", enrolled))?.data, {
    id: "a",
    name: "n",
    labels: {},
  });
  const resolved = {
    id: "1",
    ruleId: "r",
    kind: "primary_silent",
    primaryId: "a",
    message: "m",
    reason: "mended",
  };
  assert.deepEqual(toPublic(event("sallyport.alert.resolved", { ...resolved, target: "a" }))?.data, resolved);
  const item = { jobId: 1, tokenHash: "the primary's own affair" };
  assert.deepEqual(toPublic(event("netbackup.job.done", item))?.data, item);
  for (const type of [
    "sallyport.audit",
    "sallyport.api-key.created",
    "sallyport.primary.x",
    "other",
    "toString",
  ]) {
    assert.equal(toPublic(event(type, enrolled)), undefined, type);
  }
});

test("public events - have no member that sounds like a secret, and no audit or access", () => {
  for (const [type, members] of Object.entries(publicTypes)) {
    assert.doesNotMatch(type, /audit|api-key|user|session/);
    assert.ok(Object.hasOwn(knownEvents, type), `${type} is an event of the hub`);
    const shape = Object.keys(knownEvents[type as keyof typeof knownEvents].shape);
    for (const member of members) {
      assert.doesNotMatch(member, /hash|secret|token|password|sealed|url/i, type);
      assert.ok(shape.includes(member), `${type} has ${member}`);
    }
  }
});

for (const [wanted, expected] of [
  [["netbackup.job"], ["netbackup.job"]],
  [["net"], ["netbackup."]],
  [["sallyport.connection."], ["sallyport.connection.connected", "sallyport.connection.disconnected"]],
  [["sallyport.audit"], []],
  [["sallyport.primary.enrolled.x"], []],
  [[], ["netbackup.", ...Object.keys(publicTypes)]],
] as const) {
  test(`public events - of ${JSON.stringify(wanted)}`, () => {
    assert.deepEqual(publicTypesOf(wanted), expected);
  });
}

const primaries = [
  { id: "a", labels: { region: "eu", tier: "1" } },
  { id: "b", labels: { region: "eu" } },
  { id: "c", labels: { region: "us" } },
];
const none = { types: [], primaries: [], labels: {} };
const labels = (values: Record<string, string>): Scope => ({ kind: "labels", labels: values });
for (const [title, wish, scope, expected] of [
  ["everything", none, { kind: "all" }, undefined],
  ["one primary, also one that is gone", { ...none, primaries: ["x"] }, { kind: "all" }, ["x"]],
  ["labels", { ...none, labels: { region: "eu" } }, { kind: "all" }, ["a", "b"]],
  ["a scope", none, labels({ region: "eu" }), ["a", "b"]],
  ["labels within a scope", { ...none, labels: { tier: "1" } }, labels({ region: "eu" }), ["a"]],
  ["a primary outside the scope", { ...none, primaries: ["c"] }, labels({ region: "eu" }), []],
  ["primaries by id", none, { kind: "primaries", ids: ["c", "x"] }, ["c"]],
] as [string, FeedWish, Scope, string[] | undefined][]) {
  test(`feed filter - ${title}`, () => {
    const { sources } = toFilter(wish, scope, () => primaries);
    assert.deepEqual(sources, expected && new Set(expected.map((id) => `/primaries/${id}`)));
  });
}

test("feed filter - matches by type, source and time", () => {
  const wish = { ...none, types: ["netbackup.job"], since: "2026-11-24T00:00:00.000Z" };
  const filter = toFilter(
    { ...wish, until: "2026-11-25T00:00:00.000Z", primaries: ["a"] },
    { kind: "all" },
    () => [],
  );
  assert.ok(matches(filter, event("netbackup.job.done", {})));
  for (const other of [
    event("netbackup.image.create", {}),
    event("netbackup.job.done", {}, { source: "/primaries/b" }),
    event("netbackup.job.done", {}, { time: "2026-11-23T23:59:59.999Z" }),
    event("netbackup.job.done", {}, { time: "2026-11-25T00:00:00.000Z" }),
  ]) {
    assert.ok(!matches(filter, other), JSON.stringify(other));
  }
});
