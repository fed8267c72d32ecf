import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "@sallyport/durable";
import fc from "fast-check";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import type { OutboxGap } from "./gaps.ts";
import { madeAtMs } from "./made-at.ts";
import { Outbox } from "./outbox.ts";

const job = (jobId: number, state = "ACTIVE") => ({
  notificationType: "INFO",
  object: "JOB",
  data: [
    {
      jobId,
      parentJobId: jobId,
      jobType: "BACKUP",
      state,
      status: 0,
      policyName: "p",
      policyType: "STANDARD",
      scheduleType: "ST_FULL",
      clientName: "c",
      startTime: 1,
    },
  ],
});

function open(path: string, max = 100) {
  const database = openDatabase({ path: join(path, "test.sqlite"), migrations: [] });
  const gaps: OutboxGap[] = [];
  return {
    database,
    gaps,
    outbox: new Outbox(database, { maxNotifications: max, maxNotificationBytes: 1_000 }, (gap) =>
      gaps.push(gap),
    ),
  };
}

test("outbox - keeps what is owed over a restart, with the same ids, and deletes what all groups acknowledged", () => {
  using folder = temporaryFolder();
  const first = open(folder.path);
  first.outbox.setGroups(["a", "b"]);
  first.outbox.append([job(1), job(2)]);
  const ids = first.outbox.read(0, 10).map(({ id }) => id);
  first.outbox.acknowledge("a", 1);
  first.database.close();

  const { database, outbox } = open(folder.path);
  using _closing = database;
  assert.deepEqual(
    outbox.read(0, 10).map(({ id }) => id),
    ids,
  );
  assert.deepEqual(
    outbox.read(0, 10).map(({ subject }) => subject),
    ["job/1", "job/2"],
  );
  assert.deepEqual([outbox.cursor("a"), outbox.cursor("b")], [1, 0]);
  outbox.acknowledge("b", 2);
  assert.equal(outbox.size, 1);
  outbox.acknowledge("a", 2);
  assert.equal(outbox.size, 0);
  outbox.acknowledge("a", 1);
  assert.equal(outbox.cursor("a"), 2);
});

test("outbox - a new group is owed what comes from now on, one that goes frees what only it was owed", () => {
  using folder = temporaryFolder();
  const { database, outbox } = open(folder.path);
  using _closing = database;
  outbox.append([job(1)]);
  assert.equal(outbox.size, 0);
  outbox.setGroups(["a"]);
  outbox.append([job(2)]);
  outbox.setGroups(["a", "b"]);
  outbox.append([job(3)]);
  assert.deepEqual(
    outbox.read(outbox.cursor("b"), 10).map(({ subject }) => subject),
    ["job/3"],
  );
  assert.deepEqual(
    outbox.read(outbox.cursor("a"), 10).map(({ subject }) => subject),
    ["job/2", "job/3"],
  );
  outbox.setGroups(["b"]);
  assert.equal(outbox.size, 1);
  outbox.setGroups([]);
  assert.equal(outbox.size, 0);
});

test("outbox - a notification is as durable as the transaction that it is a part of", () => {
  using folder = temporaryFolder();
  const { database, outbox } = open(folder.path);
  using _closing = database;
  outbox.setGroups(["a"]);
  assert.throws(() =>
    database.transaction(() => {
      outbox.append([job(1)]);
      throw new Error("the job could not be stored");
    }),
  );
  assert.equal(outbox.size, 0);
});

test("outbox - at its bound the oldest make room, and each group's gap is reported when it begins and when it is over", () => {
  using folder = temporaryFolder();
  const first = open(folder.path, 3);
  first.outbox.setGroups(["a", "b"]);
  first.outbox.append([job(1), job(2), job(3)]);
  const madeAt = new Map<number, number>();
  const note = ({ outbox }: ReturnType<typeof open>) => {
    for (const { position, id } of outbox.read(0, 100)) madeAt.set(position, madeAtMs(id));
  };
  note(first);
  // b has the first two: what it loses begins later.
  first.outbox.acknowledge("b", 2);
  for (let jobId = 4; jobId <= 6; jobId += 1) first.outbox.append([job(jobId)]);
  note(first);
  const began = (groupId: string, position: number) => ({
    groupId,
    firstPosition: position,
    lastPosition: position,
    notifications: 1,
    sinceMs: madeAt.get(position),
    untilMs: madeAt.get(position),
    isOver: false,
  });
  assert.deepEqual(first.gaps, [began("a", 1), began("b", 3)]);
  first.database.close();

  // It is remembered over a restart, and goes on until the group takes up.
  const second = open(folder.path, 3);
  const { database, outbox, gaps } = second;
  using _closing = database;
  outbox.append([job(7)]);
  note(second);
  assert.deepEqual(
    outbox.read(outbox.cursor("a"), 10).map(({ position }) => position),
    [5, 6, 7],
  );
  assert.deepEqual(gaps, []);
  assert.deepEqual([outbox.gaps.lost("a"), outbox.gaps.lost("b")], [4, 2]);
  outbox.acknowledge("a", 5);
  const gap = {
    ...began("a", 1),
    lastPosition: 4,
    notifications: 4,
    untilMs: madeAt.get(4),
    isOver: true,
  };
  assert.deepEqual(gaps, [gap]);
  assert.deepEqual(outbox.gaps.latest("a"), gap);
  // The next one is another; what was lost adds up.
  outbox.append([job(8), job(9), job(10)]);
  assert.deepEqual(gaps.at(-1), {
    ...began("a", 6),
    lastPosition: 7,
    notifications: 2,
    untilMs: madeAt.get(7),
  });
  assert.equal(outbox.gaps.lost("a"), 6);
  outbox.setGroups(["b"]);
  assert.equal(outbox.gaps.latest("a"), undefined);
});

test("outbox - each group has a journal, kept over a restart, and another one when it comes back", () => {
  using folder = temporaryFolder();
  const first = open(folder.path);
  first.outbox.setGroups(["a", "b"]);
  const journal = first.outbox.journal("a");
  assert.notEqual(journal, first.outbox.journal("b"));
  first.database.close();
  const { database, outbox } = open(folder.path);
  using _closing = database;
  assert.equal(outbox.journal("a"), journal);
  outbox.setGroups(["b"]);
  outbox.setGroups(["a", "b"]);
  assert.notEqual(outbox.journal("a"), journal);
});

test("outbox - takes up where the endpoint stands: forward by what it can prove, back to what there still is, and never past what was not sent", () => {
  using folder = temporaryFolder();
  const { database, outbox } = open(folder.path);
  using _closing = database;
  outbox.setGroups(["a", "b"]);
  outbox.append([job(1), job(2), job(3), job(4)]);
  const journal = outbox.journal("a");
  const [, second] = outbox.read(0, 4);
  const claim = (position: number, id: string | null = null) => ({ journal, position, id });
  assert.deepEqual(outbox.resume("a", null), { journal, outcome: "began", position: 0 });
  const proven = claim(2, second?.id.toLowerCase());
  assert.deepEqual(outbox.resume("a", proven), { journal, outcome: "resumed", position: 2 });
  assert.equal(outbox.cursor("a"), 2);
  // b still has to get the first two: they can go out to a once more.
  assert.deepEqual(outbox.resume("a", claim(1)), { journal, outcome: "resumed", position: 1 });
  assert.deepEqual([outbox.cursor("a"), outbox.missingAfter("a", 1)], [1, []]);
  outbox.acknowledge("a", 3);
  outbox.acknowledge("b", 3);
  outbox.resume("a", claim(1));
  assert.deepEqual(outbox.missingAfter("a", 1), [
    { from: 2, to: 3, count: 2, sinceMs: null, untilMs: null, reason: "endpoint_went_back" },
  ]);
  outbox.acknowledge("a", 3);
  for (const lie of [claim(4), claim(4, second?.id), claim(5, second?.id), claim(2 ** 53 - 1)]) {
    const before = outbox.journal("a");
    const { outcome, position, journal: next } = outbox.resume("a", { ...lie, journal: before });
    assert.deepEqual([outcome, position, outbox.cursor("a"), outbox.size], ["refused", 3, 3, 1]);
    assert.notEqual(next, before);
    assert.equal(next, outbox.journal("a"));
  }
  assert.equal(outbox.resume("a", claim(1)).outcome, "began", "the journal before counts for nothing");
  assert.equal(outbox.cursor("a"), 3);
});

test("outbox - whatever an endpoint claims, what it was not sent stays, and all that it lacks is sent or announced", () => {
  using folder = temporaryFolder();
  const { database, outbox } = open(folder.path, 5);
  using _closing = database;
  outbox.setGroups(["a", "b"]);
  const made = new Map<number, string>();
  let jobId = 0;
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append"), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant("acknowledge"), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant("claim"), count: fc.integer({ min: -6, max: 6 }), isProven: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      for (const { kind, count, ...rest } of steps) {
        const cursor = outbox.cursor("a");
        if (kind === "append") for (let n = 0; n < count; n += 1) outbox.append([job((jobId += 1))]);
        for (const { position, id } of outbox.read(0, 100)) made.set(position, id);
        const [next] = outbox.read(cursor, 1);
        if (kind === "acknowledge" && next !== undefined) outbox.acknowledge("a", next.position);
        if (kind !== "claim") continue;
        const before = outbox.read(cursor, 100);
        const position = Math.max(0, cursor + count);
        const id = "isProven" in rest && rest.isProven ? (made.get(position) ?? null) : null;
        const resume = outbox.resume("a", { journal: outbox.journal("a"), position, id });
        const left = outbox.read(resume.position, 100);
        const dropped = before.filter((item) => !left.some((other) => other.position === item.position));
        // Only what it has proved to have.
        assert.ok(dropped.every((item) => item.position <= position && id === made.get(position)));
        const announced = outbox.missingAfter("a", resume.position);
        const expected = announced.flatMap(({ from, to }) =>
          Array.from({ length: to - from + 1 }, (_, at) => from + at),
        );
        const all = [...expected, ...left.map((item) => item.position)];
        assert.deepEqual(
          all,
          all.map((_, at) => resume.position + 1 + at),
        );
      }
    }),
    { numRuns: 60 },
  );
});
