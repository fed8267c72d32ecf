import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "@sallyport/durable";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import type { OutboxGap } from "./gaps.ts";
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
  return { database, gaps, outbox: new Outbox(database, max, (gap) => gaps.push(gap)) };
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
  // b has the first two: what it loses begins later.
  first.outbox.acknowledge("b", 2);
  for (let jobId = 4; jobId <= 6; jobId += 1) first.outbox.append([job(jobId)]);
  const began = (groupId: string, position: number) => ({
    groupId,
    firstPosition: position,
    lastPosition: position,
    notifications: 1,
    isOver: false,
  });
  assert.deepEqual(first.gaps, [began("a", 1), began("b", 3)]);
  first.database.close();

  // It is remembered over a restart, and goes on until the group takes up.
  const { database, outbox, gaps } = open(folder.path, 3);
  using _closing = database;
  outbox.append([job(7)]);
  assert.deepEqual(
    outbox.read(outbox.cursor("a"), 10).map(({ position }) => position),
    [5, 6, 7],
  );
  assert.deepEqual(gaps, []);
  assert.deepEqual([outbox.gaps.lost("a"), outbox.gaps.lost("b")], [4, 2]);
  outbox.acknowledge("a", 5);
  const gap = { groupId: "a", firstPosition: 1, lastPosition: 4, notifications: 4, isOver: true };
  assert.deepEqual(gaps, [gap]);
  assert.deepEqual(outbox.gaps.latest("a"), gap);
  // The next one is another; what was lost adds up.
  outbox.append([job(8), job(9), job(10)]);
  assert.deepEqual(gaps.at(-1), { ...began("a", 6), lastPosition: 7, notifications: 2 });
  assert.equal(outbox.gaps.lost("a"), 6);
  outbox.setGroups(["b"]);
  assert.equal(outbox.gaps.latest("a"), undefined);
});
