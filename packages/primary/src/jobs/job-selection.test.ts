import assert from "node:assert/strict";
import test from "node:test";
import { findObstacle, selectJobs, type RunningJob, type WaitingJob } from "./job-selection.ts";

const job = (id: number, change: Partial<WaitingJob> = {}): WaitingJob => ({
  id,
  priority: 0,
  dueAtMs: 0,
  policyName: "p",
  jobLimit: 0,
  storageUnit: "stu",
  ...change,
});
const rules = { nowMs: 1000, maxJobs: 4, maxJobsOf: (unit: string) => (unit === "stu" ? 2 : 1) };
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

test("job selection - of all storage units together no more run than the primary's bound, those of the highest priority", () => {
  const each = [1, 2, 3, 4, 5, 6].map((id) => job(id, { storageUnit: `unit${id}`, priority: id }));
  assert.deepEqual(ids(each), [6, 5, 4, 3]);
  assert.deepEqual(ids(each, [job(9), job(8, { storageUnit: undefined })]), [6, 5, 4]);
  assert.deepEqual(findObstacle(job(1), each.slice(2), rules), { kind: "primary", name: "", limit: 4 });
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
