import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock } from "@sallyport/nbwss";
import { defaultHubLimits } from "../config/limits.ts";
import type { LogEvent } from "../log/log.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { LogLines, temporaryFolder } from "../testing/hub-fixture.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";

const limits = { ...defaultHubLimits, viewRetryMs: 10, viewGatherMs: 1 };
const time = "2026-11-24T00:00:00.000Z";
let ids = 0;
const event = (type: string, data: unknown): LogEvent => {
  ids += 1;
  return { id: String(ids), type, source: "/primaries/p", subject: "s", time, data };
};
const enrolled = () => {
  const data = { id: "p", name: "p", labels: {}, groupId: "g", priority: 1, tokenHash: "h" };
  return event("sallyport.primary.enrolled", data);
};
const job = (jobId: number) => {
  const names = { jobType: "BACKUP", clientName: "c", policyName: "nightly" };
  return event("netbackup.job.done", { jobId, state: "DONE", status: 0, startTime: 1_764_000_000, ...names });
};

/** A log with one primary, and the fleet's views of it. */
async function openFleet(more: Partial<FleetOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const logPath = join(folder.path, "log.sqlite");
  const path = join(folder.path, "fleet.sqlite");
  const log = stack.use(openSqliteLog({ path: logPath, maxPendingEvents: 1_000 }));
  const lines = new LogLines();
  await log.append([enrolled()]);
  const options = { path, log, logPath, limits, clock: systemClock, logger: lines.logger, ...more };
  const fleet = stack.use(await Fleet.open(options));
  const jobs = () => {
    using database = new DatabaseSync(path, { readOnly: true });
    return database
      .prepare("SELECT job_id FROM jobs ORDER BY job_id")
      .all()
      .map(({ job_id: id }) => Number(id));
  };
  return { log, fleet, lines, jobs, path, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("fleet - shows what was committed before it was asked, and knows its own place", async () => {
  await using opened = await openFleet();
  const { log, fleet, jobs } = opened;
  assert.equal(fleet.position, 1);
  await log.append([job(1), job(2)]);
  await fleet.shown();
  assert.deepEqual([jobs(), fleet.position], [[1, 2], 3]);
  assert.equal(fleet.views.backups.get("p", "c", "nightly")?.good_job_id, 2);
  await log.append([event("sallyport.audit", {})]);
  assert.equal(fleet.position, 4, "what is no concern of it is passed over at once");
});

test("fleet - whose thread ends without warning gets another one, which goes on where it was", async () => {
  const workerFile = new URL("../testing/ending-fleet-worker.ts", import.meta.url);
  await using opened = await openFleet({ workerFile });
  const { log, fleet, lines, jobs } = opened;
  const [ended, restarted] = [lines.next("fleet.ended"), lines.next("fleet.restarted")];
  await log.append([job(1)]);
  assert.equal((await ended)["code"], 7);
  assert.equal(fleet.isCurrent, false);
  await fleet.shown();
  await log.append([job(2)]);
  await restarted;
  await fleet.shown();
  assert.deepEqual([fleet.isCurrent, jobs()], [true, [1, 2]]);
});
