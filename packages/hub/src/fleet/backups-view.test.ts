import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "@sallyport/durable";
import { toKnownEvent } from "../log/known-events.ts";
import { temporaryFolder } from "../testing/hub-fixture.ts";
import { PrimariesView } from "../views/primaries.ts";
import { BackupsView } from "./backups-view.ts";

const hour = 3_600;
const startS = 1_764_000_000;

type Done = [position: number, startTime: number, status: number, family?: object];
type Good = [goodMs: number | null, status: number | null, lastStatus: number | null] | undefined;

/** Folds DONE jobs of one client and policy, then perhaps retention up to a position; says the row. */
async function lastGood(done: readonly Done[], trimBefore?: number): Promise<Good> {
  await using folder = await temporaryFolder();
  const views = [new PrimariesView(), new BackupsView()];
  using database = openDatabase({
    path: `${folder.path}/views.sqlite`,
    migrations: views.map(({ schema }) => schema),
  });
  for (const view of views) view.attach(database);
  const fold = (position: number, type: string, data: unknown) => {
    const time = new Date((startS + position * hour) * 1000).toISOString();
    const event = { id: String(position), type, source: "/primaries/p", subject: "s", time, data, position };
    for (const view of views) view.fold(event, toKnownEvent(type, data));
  };
  fold(0, "sallyport.primary.enrolled", {
    id: "p",
    name: "p",
    labels: {},
    groupId: "g",
    priority: 1,
    tokenHash: "h",
  });
  for (const [position, startTime, status, family] of done) {
    const names = { jobType: "BACKUP", clientName: "c", policyName: "nightly", ...family };
    fold(position, "netbackup.job.done", { jobId: position, state: "DONE", status, startTime, ...names });
  }
  if (trimBefore !== undefined)
    fold(100, "sallyport.log.trimmed", {
      types: ["netbackup."],
      before: trimBefore,
      keepPerSource: 0,
      until: "",
      reason: "age",
    });
  const row = database.prepare("SELECT * FROM backups").get();
  if (row === undefined) return undefined;
  const { good_ms: goodMs, good_status: status, done_status: lastStatus } = row;
  return [goodMs, status, lastStatus] as Good;
}

const ms = (hours: number) => (startS + hours * hour) * 1000;
const at = (hours: number) => startS + hours * hour;
const table: [title: string, done: Done[], trimBefore: number | undefined, expected: Good][] = [
  [
    "is the newest that ended well",
    [
      [10, at(9), 0],
      [20, at(19), 0],
    ],
    undefined,
    [ms(19), 0, 0],
  ],
  [
    "is the parent's of several streams, which tells when one has failed",
    [
      [10, at(9), 0, { parentJobId: 12, policyType: "STANDARD" }],
      [11, at(10), 6, { parentJobId: 12, policyType: "STANDARD" }],
      [12, at(8), 1, { parentJobId: 12, policyType: "STANDARD" }],
    ],
    undefined,
    [ms(8), 1, 1],
  ],
  [
    "is not that of a stream whose parent has failed",
    [
      [10, at(9), 0, { parentJobId: 10, policyType: "DATASTORE" }],
      [20, at(19), 0, { parentJobId: 21, policyType: "DATASTORE" }],
      [21, at(18), 150, { parentJobId: 21, policyType: "DATASTORE" }],
    ],
    undefined,
    [ms(9), 0, 150],
  ],
  [
    "is a child's where the parent only finds out what there is",
    [[10, at(9), 0, { parentJobId: 9, policyType: "VMWARE" }]],
    undefined,
    [ms(9), 0, 0],
  ],
  [
    "is not what failed afterwards",
    [
      [10, at(9), 0],
      [20, at(19), 6],
    ],
    undefined,
    [ms(9), 0, 6],
  ],
  [
    "may be partial, and says so",
    [
      [10, at(9), 0],
      [20, at(19), 1],
    ],
    undefined,
    [ms(19), 1, 1],
  ],
  ["is none when all failed", [[10, at(9), 6]], undefined, [null, null, 6]],
  [
    "is not an older one that ended later",
    [
      [10, at(9), 0],
      [20, at(2), 0],
    ],
    undefined,
    [ms(9), 0, 0],
  ],
  [
    "is that older one when retention has taken the newer",
    [
      [10, at(9), 0],
      [20, at(2), 0],
    ],
    15,
    [ms(2), 0, 0],
  ],
  [
    "goes with its notification",
    [
      [10, at(9), 0],
      [20, at(19), 6],
    ],
    15,
    [null, null, 6],
  ],
  ["goes with the last notification", [[10, at(9), 0]], 15, undefined],
  ["is never in the future, whatever a primary's clock says", [[10, at(500), 0]], undefined, [ms(10), 0, 0]],
  ["is when it was told, when no start is told", [[10, 0, 0]], undefined, [ms(10), 0, 0]],
];

for (const [title, done, trimBefore, expected] of table) {
  test(`last good backup - ${title}`, async () => {
    assert.deepEqual(await lastGood(done, trimBefore), expected);
  });
}
