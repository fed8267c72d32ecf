import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredEvent } from "../log/log.ts";
import {
  addJobItem,
  currentJob,
  decodeJobItems,
  encodeJobItems,
  toJobItem,
  type JobItem,
} from "./job-history.ts";

/** When the hub stored the event at a position: a minute each. */
const timeOf = (position: number) => new Date(1_764_000_000_000 + position * 60_000).toISOString();
const stored = (position: number, data: unknown, type = "netbackup.job.active"): StoredEvent => ({
  id: `p.${position}.0.x`,
  type,
  source: "/primaries/p",
  subject: "job/7",
  time: timeOf(position),
  data,
  position,
});

type Said = [state: string, status?: number | null, startTime?: number | undefined];

function itemsFrom(said: readonly Said[]): [JobItem, ...JobItem[]] {
  const items = said.map(([state, status, startTime], index) => {
    const read = toJobItem(
      stored(index + 1, { jobId: 7, state, status, startTime, clientName: `c${index + 1}` }),
    );
    assert.ok(read);
    return read.item;
  });
  const [first, ...rest] = items;
  assert.ok(first);
  return [first, ...rest];
}

const seconds = 1_764_000_000;
const afterDone = seconds + 3_600;
const table: [title: string, said: Said[], expected: [state: string, outcome: string, client: string]][] = [
  [
    "runs through",
    [
      ["QUEUED", 0, seconds],
      ["ACTIVE", 0, seconds],
      ["DONE", 0, seconds],
    ],
    ["DONE", "ok", "c3"],
  ],
  ["is partial", [["DONE", 1, seconds]], ["DONE", "partial", "c1"]],
  ["failed", [["DONE", 6, seconds]], ["DONE", "failed", "c1"]],
  ["is DONE without a status: no success is claimed", [["DONE", null, seconds]], ["DONE", "failed", "c1"]],
  [
    "is queued again",
    [
      ["ACTIVE", 0, seconds],
      ["QUEUED", 0, seconds],
    ],
    ["QUEUED", "queued", "c2"],
  ],
  ["is in a state of its own", [["WAITING_FOR_RETRY", 0, seconds]], ["WAITING_FOR_RETRY", "active", "c1"]],
  ["is requeued in words of its own", [["REQUEUED", 0, seconds]], ["REQUEUED", "queued", "c1"]],
  [
    "stays DONE when ACTIVE comes late",
    [
      ["DONE", 0, seconds],
      ["ACTIVE", 0, seconds],
    ],
    ["DONE", "ok", "c1"],
  ],
  [
    "stays DONE when QUEUED comes late, without a start",
    [["DONE", 0, seconds], ["QUEUED"]],
    ["DONE", "ok", "c1"],
  ],
  ["stays DONE, never having said when it started", [["DONE", 0], ["ACTIVE"]], ["DONE", "ok", "c1"]],
  [
    "stays DONE when its start is told late",
    [
      ["DONE", 0],
      ["ACTIVE", 0, seconds - 60],
    ],
    ["DONE", "ok", "c1"],
  ],
  [
    "is restarted",
    [
      ["DONE", 6, seconds],
      ["ACTIVE", 0, seconds + 900],
    ],
    ["ACTIVE", "active", "c2"],
  ],
  [
    "is restarted, its first run having told no start",
    [
      ["DONE", 6],
      ["ACTIVE", 0, afterDone],
    ],
    ["ACTIVE", "active", "c2"],
  ],
  [
    "is restarted, and its first run comes late",
    [
      ["ACTIVE", 0, seconds + 900],
      ["DONE", 6, seconds],
    ],
    ["ACTIVE", "active", "c1"],
  ],
  [
    "has its status corrected",
    [
      ["DONE", 1, seconds],
      ["DONE", 0, seconds],
    ],
    ["DONE", "ok", "c2"],
  ],
  [
    "ends without a start",
    [
      ["ACTIVE", 0, seconds],
      ["DONE", 0],
    ],
    ["DONE", "ok", "c2"],
  ],
  [
    "is told in lower case",
    [
      ["active", 0, seconds],
      ["done", 0, seconds],
    ],
    ["DONE", "ok", "c2"],
  ],
];

for (const [title, said, expected] of table) {
  test(`job - ${title}`, () => {
    const items = itemsFrom(said);
    const { state, outcome, detail } = currentJob(items);
    assert.deepEqual([state, outcome, detail.clientName], expected);
  });
}

test("job - keeps the start of its run, and is sorted by its first notification when it tells none", () => {
  const told = currentJob(itemsFrom([["QUEUED"], ["ACTIVE", 0, seconds], ["DONE", 0]]));
  assert.deepEqual([told.startMs, told.sortMs], [seconds * 1000, seconds * 1000]);
  const never = currentJob(itemsFrom([["QUEUED"], ["DONE", 0]]));
  assert.deepEqual([never.startMs, never.sortMs], [null, Date.parse(timeOf(1))]);
});

test("job - is read from whatever a primary sends, or not at all", () => {
  for (const data of [null, undefined, 7, "text", [], {}, { jobId: "a" }, { jobId: -1 }, { jobId: 1.5 }]) {
    assert.equal(toJobItem(stored(1, data)), undefined);
  }
  assert.equal(toJobItem(stored(1, { jobId: 7 }, "netbackup.image.create")), undefined);
  const odd = {
    jobId: "12",
    state: 5,
    status: "6",
    startTime: 1_764_000_000_123,
    policyName: {},
    clientName: 9,
  };
  const read = toJobItem(stored(1, odd));
  assert.equal(read?.jobId, 12);
  const { state, status, startMs, detail } = read.item;
  assert.deepEqual([state, status, startMs], ["5", 6, 1_764_000_000_123]);
  assert.deepEqual([detail.policyName, detail.clientName, detail.parentJobId], ["", "9", null]);
  const long = toJobItem(stored(1, { jobId: 1, clientName: `${"x".repeat(255)}😀` }));
  assert.equal(long?.item.detail.clientName, `${"x".repeat(255)}\u{fffd}`);
});

test("job - its notifications are written down and read again, the newest sixteen", () => {
  let items: JobItem[] = [];
  for (const item of itemsFrom(Array.from({ length: 20 }, (_, n): Said => ["ACTIVE", n, seconds]))) {
    items = addJobItem(items, item);
  }
  assert.deepEqual(items.map(({ position }) => position).slice(0, 2), [5, 6]);
  assert.equal(items.length, 16);
  const current = items.at(-1)?.detail;
  assert.ok(current);
  assert.deepEqual(decodeJobItems(encodeJobItems(items, current), current), items);
});
