import assert from "node:assert/strict";
import test from "node:test";
import { selectJobs, type RunningJob, type WaitingJob } from "./job-selection.ts";

const job = (id: number, change: Partial<WaitingJob> = {}): WaitingJob => ({
  id,
  priority: 0,
  dueAtMs: 0,
  policyName: "p",
  jobLimit: 0,
  storageUnit: "stu",
  ...change,
});
const rules = { nowMs: 1000, maxJobsOf: (unit: string) => (unit === "stu" ? 2 : 1) };
const ids = (waiting: WaitingJob[], running: RunningJob[] = []) =>
  selectJobs(waiting, running, rules).map(({ id }) => id);

test("job selection - goes by priority, then by arrival, up to the storage unit's bound", () => {
  assert.deepEqual(ids([job(3), job(1), job(2, { priority: 5 })]), [2, 1]);
  assert.deepEqual(ids([job(1), job(2)], [job(0)]), [1]);
  assert.deepEqual(ids([]), []);
});

test("job selection - a job that has to wait lets others pass", () => {
  const busy = [job(8), job(9)];
  assert.deepEqual(
    ids([job(1), job(2, { storageUnit: "other" }), job(3, { storageUnit: "other" })], busy),
    [2],
  );
  assert.deepEqual(ids([job(1, { dueAtMs: 1001 }), job(2, { dueAtMs: 1000 })]), [2]);
});

test("job selection - keeps a policy's limit of jobs", () => {
  const limited = { jobLimit: 1 };
  assert.deepEqual(ids([job(1, limited), job(2, limited), job(3, { policyName: "q" })]), [1, 3]);
  assert.deepEqual(ids([job(1, limited)], [job(0)]), []);
});

test("job selection - a parent takes no place of the storage unit or the policy", () => {
  const parent = { storageUnit: undefined, jobLimit: 1 };
  assert.deepEqual(ids([job(1, parent), job(2, parent), job(3, { jobLimit: 1 })]), [1, 2, 3]);
  assert.deepEqual(ids([job(3, { jobLimit: 1 })], [job(1, parent)]), [3]);
});
