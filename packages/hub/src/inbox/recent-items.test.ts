import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { temporaryFolder } from "../testing/hub-fixture.ts";
import { digestOf } from "./digest.ts";
import { RecentItems } from "./recent-items.ts";

const windowMs = 600_000;

function eventAt(nowMs: number, jobId: number, state: string) {
  return {
    id: `${jobId}.${state}.${nowMs}`,
    type: `netbackup.job.${state}`,
    source: "/primaries/p",
    subject: `job/${jobId}`,
    time: new Date(nowMs).toISOString(),
    data: { jobId, state },
  };
}

test("recent items - are those of the window, oldest first, also when they are read from the log", async () => {
  await using folder = await temporaryFolder();
  await using log = openSqliteLog({ path: join(folder.path, "log.sqlite"), maxPendingEvents: 100 });
  let nowMs = Date.parse("2026-11-24T00:00:00Z");
  const options = { log, windowMs, maxItems: 100, now: () => nowMs };
  using live = await RecentItems.load(options);
  const latest = (items: RecentItems, limit = 10) => items.latest("/primaries/p", "job/1", limit);
  const [queued, active, done] = ["queued", "active", "done"].map((state) => digestOf({ jobId: 1, state }));
  await log.append([eventAt(nowMs, 1, "queued"), eventAt(nowMs, 2, "done")]);
  nowMs += windowMs / 2;
  await log.append([eventAt(nowMs, 1, "active"), eventAt(nowMs, 1, "done")]);
  assert.deepEqual(latest(live), [queued, active, done]);
  assert.deepEqual(latest(live, 2), [active, done]);
  assert.deepEqual(live.latest("/primaries/other", "job/1", 10), []);
  nowMs += windowMs / 2 + 1;
  assert.deepEqual(latest(live), [active, done]);
  using read = await RecentItems.load(options);
  assert.deepEqual(latest(read), [active, done]);
  // What turns one half into the old one forgets nothing of the window.
  await log.append([eventAt(nowMs, 3, "done")]);
  assert.deepEqual(latest(live), [active, done]);
  nowMs += windowMs;
  await log.append([eventAt(nowMs, 4, "done")]);
  assert.deepEqual(latest(live), []);
});

test("recent items - are bounded: the older half is forgotten", async () => {
  await using folder = await temporaryFolder();
  await using log = openSqliteLog({ path: join(folder.path, "log.sqlite"), maxPendingEvents: 100 });
  const now = () => 0;
  using items = await RecentItems.load({ log, windowMs, maxItems: 10, now });
  for (let jobId = 1; jobId <= 12; jobId += 1) await log.append([eventAt(0, jobId, "done")]);
  const known = (from: RecentItems) =>
    Array.from({ length: 12 }, (_, index) => index + 1).filter(
      (jobId) => from.latest("/primaries/p", `job/${jobId}`, 1).length > 0,
    );
  assert.deepEqual(known(items), [6, 7, 8, 9, 10, 11, 12]);
  using read = await RecentItems.load({ log, windowMs, maxItems: 10, now });
  assert.ok(known(read).length <= 10);
  assert.ok(known(read).includes(12));
});
