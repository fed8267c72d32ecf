import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { defaultHubLimits, type HubLimits } from "../config/limits.ts";
import { LogLines, temporaryFolder } from "../testing/hub-fixture.ts";
import { TrimmedView } from "../views/trimmed.ts";
import { Views } from "../views/views.ts";
import type { EventLog } from "./log.ts";
import { Recorder } from "./recorder.ts";
import { Retention } from "./retention.ts";
import { openSqliteLog } from "./sqlite-log.ts";

const dayMs = 86_400_000;

async function open(path: string, clock: ManualClock, limits: Partial<HubLimits> = {}) {
  const { logger } = new LogLines();
  const log = openSqliteLog({ path: join(path, "log.sqlite"), maxPendingEvents: 100_000 });
  const trimmed = new TrimmedView();
  const views = await Views.open({
    path: join(path, "views.sqlite"),
    log,
    views: [trimmed],
    clock,
    logger,
    concerns: () => true,
    retryMs: 1_000,
  });
  let ids = 0;
  const recorder = new Recorder({
    log,
    now: () => clock.now(),
    newId: () => `own-${clock.now()}-${(ids += 1)}`,
  });
  const retention = new Retention({
    log,
    recorder,
    trimmed,
    limits: { ...defaultHubLimits, trimBatchEvents: 3, ...limits },
    clock,
    logger,
  });
  const close = async () => {
    await retention.close();
    views.close();
    await log.close();
  };
  return { log, recorder, trimmed, retention, close, [Symbol.asyncDispose]: close };
}

let made = 0;
async function add(log: EventLog, clock: ManualClock, type: string, count = 1) {
  const time = new Date(clock.now()).toISOString();
  const source = type.endsWith(".b") ? "/primaries/b" : "/primaries/a";
  await log.append(
    Array.from({ length: count }, () => ({
      id: `e${(made += 1)}`,
      type,
      source,
      subject: "s",
      time,
      data: {},
    })),
  );
}
const countOf = async (log: EventLog, type: string) =>
  (await log.read({ after: 0, limit: 1e6, types: [type] })).length;

test("retention - deletes notifications and audit at their ages and keeps what state is folded from", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  await using opened = await open(folder.path, clock);
  const { log, retention, trimmed } = opened;
  await add(log, clock, "sallyport.primary.test");
  await add(log, clock, "netbackup.job.done", 10);
  await add(log, clock, "sallyport.audit.test", 10);
  await add(log, clock, "sallyport.connection.a", 20);
  await add(log, clock, "sallyport.connection.b");
  clock.advance(89 * dayMs);
  await add(log, clock, "netbackup.job.done", 5);
  await retention.run();
  assert.equal(await countOf(log, "sallyport.log."), 0);
  clock.advance(2 * dayMs);
  await retention.run();
  const counts = async () =>
    Promise.all(
      ["netbackup.", "sallyport.audit", "sallyport.connection.", "sallyport.primary."].map((type) =>
        countOf(log, type),
      ),
    );
  assert.deepEqual(await counts(), [5, 10, 17, 1]);
  const positions = trimmed.list().map(({ types: [type], before }) => [type, before]);
  assert.deepEqual(positions, [
    ["netbackup.", 12],
    ["sallyport.connection.", 43],
  ]);
  await retention.run();
  assert.equal(await countOf(log, "sallyport.log."), 2, "nothing new goes, nothing new is said");
  clock.advance(400 * dayMs);
  await retention.run();
  assert.deepEqual(await counts(), [0, 0, 17, 1]);
  const before = await log.lastPosition();
  await add(log, clock, "netbackup.job.done");
  assert.equal(await log.lastPosition(), before + 1, "a position is never used again");
});

test("retention - goes on after it was killed between saying what goes and deleting it", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  {
    await using opened = await open(folder.path, clock);
    await add(opened.log, clock, "netbackup.job.done", 10);
    const data = { types: ["netbackup."], before: 8, keepPerSource: 0, until: "", reason: "age" } as const;
    await opened.recorder.record("sallyport.log.trimmed", "/hub", { ...data, types: [...data.types] });
  }
  await using again = await open(folder.path, clock);
  assert.equal(await countOf(again.log, "netbackup."), 10);
  await again.retention.run();
  assert.equal(await countOf(again.log, "netbackup."), 3);
});

test("retention - makes room when the log is too large, the audit last, and fills that room again", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const maxLogBytes = 1024 * 1024;
  await using opened = await open(folder.path, clock, { maxLogBytes, trimBatchEvents: 100 });
  const { log, retention } = opened;
  const fill = async () => {
    while ((await log.usedBytes()) < maxLogBytes * 1.1) await add(log, clock, "netbackup.job.done", 100);
  };
  await add(log, clock, "sallyport.audit.test", 50);
  await fill();
  const used = await log.usedBytes();
  await retention.run();
  assert.ok((await log.usedBytes()) <= maxLogBytes * 0.9);
  assert.equal(await countOf(log, "sallyport.audit"), 50);
  await fill();
  // Deleted pages are filled before the file grows.
  assert.ok((await log.usedBytes()) < used * 1.05);
  await add(log, clock, "sallyport.audit.test", 8_000);
  await retention.run();
  assert.equal(await countOf(log, "netbackup."), 0);
  assert.ok((await countOf(log, "sallyport.audit")) < 8_000);
  assert.ok((await log.usedBytes()) <= maxLogBytes * 0.9);
});
