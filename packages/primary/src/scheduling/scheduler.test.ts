import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { limits } from "../limits.ts";
import { policyBody, startTestPrimary, temporaryFolder, type TestPrimary } from "../testing/test-primary.ts";

const day = 86_400;

function scheduled(name: string, selections: string[], schedules: object[], attributes: object = {}) {
  const body = policyBody(name, selections);
  const { policy } = body.data.attributes;
  Object.assign(policy.policyAttributes, attributes);
  return { data: { ...body.data, attributes: { policy: { ...policy, schedules } } } };
}

const always = [1, 2, 3, 4, 5, 6, 7].map((dayOfWeek) => ({
  dayOfWeek,
  startSeconds: 0,
  durationSeconds: day,
}));
const schedule = (
  scheduleName: string,
  backupType: string,
  frequencySeconds: number,
  startWindow = always,
) => ({
  scheduleName,
  backupType,
  scheduleType: "Frequency",
  frequencySeconds,
  startWindow,
  backupCopies: { priority: -1, copies: [{ retentionPeriod: { value: 2, unit: "WEEKS" } }] },
});

async function imagesOf(primary: TestPrimary, policyName: string) {
  const filter = encodeURIComponent(`policyName eq '${policyName}' and backupTime ge 2000-01-01T00:00:00Z`);
  const answer = await primary.expect(200, `/catalog/images?filter=${filter}&page[limit]=100`);
  const { data } = answer.body as { data: { attributes: Record<string, string> }[] };
  return data.map(({ attributes }) => attributes).toReversed();
}

test("scheduler - runs full and incremental backups when they are due, and their images expire by themselves", async () => {
  await using folder = await temporaryFolder();
  const clock = { now: Date.parse("2026-03-02T12:00:00Z"), nowMs: () => clock.now };
  await using primary = await startTestPrimary(join(folder.path, "data"), { clock });
  const source = join(folder.path, "source");
  await writeFile(source, "one");
  const schedules = [
    schedule("daily", "Differential Incremental Backup", day),
    schedule("weekly", "Full Backup", 7 * day),
  ];
  await primary.expect(204, "POST /config/policies", { body: scheduled("auto", [source], schedules) });
  const runOnce = async () => {
    const seen = primary.journal.jobs().length;
    assert.equal(primary.primary.runDueBackups(), 1);
    assert.equal(primary.primary.runDueBackups(), 0, "one that waits or runs is not started twice");
    const done = await primary.journal.until(() =>
      primary.journal
        .jobs()
        .slice(seen)
        .find(({ state }) => state === "DONE"),
    );
    assert.equal(done.status, 0, await primary.log(done.jobId));
    return done;
  };
  const first = await runOnce();
  assert.equal(first.scheduleType, "ST_FULL");
  const job = await primary.job(first.jobId);
  assert.deepEqual(
    [job["jobSubType"], job["scheduleName"], job["jobOwner"]],
    ["SCHEDULED", "weekly", "root"],
  );
  assert.equal(primary.primary.runDueBackups(), 0);
  clock.now += day * 1000;
  await primary.logIn();
  assert.equal((await runOnce()).scheduleType, "ST_DINC");
  clock.now += 6 * day * 1000;
  await primary.logIn();
  assert.equal((await runOnce()).scheduleType, "ST_FULL");
  const images = await imagesOf(primary, "auto");
  assert.deepEqual(
    images.map((image) => [image["scheduleName"], image["scheduleType"], image["expiration"]?.slice(0, 10)]),
    [
      ["weekly", "FULL", "2026-03-16"],
      ["daily", "DIFFERENTIAL_INCREMENTAL", "2026-03-17"],
      ["weekly", "FULL", "2026-03-23"],
    ],
  );
});

test("scheduler - several data streams are children of one parent, in NetBackup's order of notifications", async () => {
  await using folder = await temporaryFolder();
  await using primary = await startTestPrimary(join(folder.path, "data"));
  const sources = ["a", "b"].map((name) => join(folder.path, name));
  for (const source of sources) await writeFile(source, source);
  const body = scheduled("streams", sources, [schedule("full", "Full Backup", day)], {
    useMultipleDataStreams: true,
  });
  await primary.expect(204, "POST /config/policies", { body });
  assert.equal(primary.primary.runDueBackups(), 1);
  const parent = await primary.journal.until(() =>
    primary.journal.jobs().find(({ jobId, parentJobId, state }) => jobId === parentJobId && state === "DONE"),
  );
  assert.equal(parent.status, 0, await primary.log(parent.jobId));
  const kinds = primary.journal.items.flatMap((item) =>
    item.object === "IMAGE"
      ? ["image"]
      : item.data.map(
          ({ jobId, parentJobId, state }) => `${jobId === parentJobId ? "parent" : "child"} ${state}`,
        ),
  );
  assert.equal(kinds.at(0), "parent ACTIVE");
  assert.equal(kinds.at(-1), "parent DONE");
  assert.deepEqual(kinds.slice(1, -1).toSorted(), [
    "child ACTIVE",
    "child ACTIVE",
    "child DONE",
    "child DONE",
    "image",
    "image",
  ]);
  const list = await primary.expect(200, `/admin/jobs?filter=parentJobId+eq+${parent.jobId}&sort=jobId`);
  const { data } = list.body as { data: { attributes: Record<string, unknown> }[] };
  assert.deepEqual(
    data.map(({ attributes }) => attributes["streamNumber"]),
    [1, 2],
  );
  assert.equal((await primary.job(parent.jobId))["childCount"], 2);
  assert.equal((await imagesOf(primary, "streams")).length, 2);
});

test("scheduler - a job whose window closes while it waits ends with 196", async () => {
  await using folder = await temporaryFolder();
  // A Monday, by the machine's own clock.
  const clock = { now: new Date(2026, 2, 2, 12).getTime(), nowMs: () => clock.now };
  await using primary = await startTestPrimary(join(folder.path, "data"), { clock });
  const slow = join(folder.path, "slow");
  await writeFile(slow, "");
  await truncate(slow, 400 * 1024 ** 3);
  await primary.createPolicy("slow", [slow]);
  const running: number[] = [];
  while (running.length < limits.maxConcurrentJobs) running.push(await primary.startBackup("slow"));
  await primary.event("job.progress");
  const hour = [{ dayOfWeek: 2, startSeconds: 12 * 3600, durationSeconds: 3600 }];
  const body = scheduled("late", [slow], [schedule("full", "Full Backup", day, hour)]);
  await primary.expect(204, "POST /config/policies", { body });
  assert.equal(primary.primary.runDueBackups(), 1);
  clock.now += 3_600_000;
  assert.equal(primary.primary.runDueBackups(), 0);
  const late = await primary.journal.until(() =>
    primary.journal.jobs().find(({ policyName, state }) => policyName === "late" && state === "DONE"),
  );
  assert.equal(late.status, 196);
  for (const id of running) await primary.expect(202, `POST /admin/jobs/${id}/cancel`);
  for (const id of running) await primary.journal.jobDone(id);
});
