import assert from "node:assert/strict";
import test from "node:test";
import { canHappen, nextJobState, type JobEvent, type JobState } from "./job-state.ts";

const allowed: [JobState, JobEvent, JobState][] = [
  ["QUEUED", "start", "ACTIVE"],
  ["QUEUED", "cancel", "DONE"],
  ["QUEUED", "suspend", "SUSPENDED"],
  ["QUEUED", "interrupt", "DONE"],
  ["ACTIVE", "cancel", "CANCELLING"],
  ["ACTIVE", "suspend", "SUSPENDING"],
  ["ACTIVE", "retry", "REQUEUED"],
  ["ACTIVE", "finish", "DONE"],
  ["ACTIVE", "interrupt", "DONE"],
  ["CANCELLING", "cancel", "CANCELLING"],
  ["CANCELLING", "finish", "DONE"],
  ["CANCELLING", "interrupt", "DONE"],
  ["SUSPENDING", "cancel", "CANCELLING"],
  ["SUSPENDING", "suspend", "SUSPENDING"],
  ["SUSPENDING", "stop", "SUSPENDED"],
  ["SUSPENDING", "finish", "DONE"],
  ["SUSPENDING", "interrupt", "DONE"],
  ["SUSPENDED", "cancel", "DONE"],
  ["SUSPENDED", "resume", "QUEUED"],
  ["REQUEUED", "start", "ACTIVE"],
  ["REQUEUED", "cancel", "DONE"],
  ["REQUEUED", "suspend", "SUSPENDED"],
];

test("job state - follows the table and refuses everything else", () => {
  const states: JobState[] = [
    "QUEUED",
    "ACTIVE",
    "CANCELLING",
    "SUSPENDING",
    "SUSPENDED",
    "REQUEUED",
    "DONE",
  ];
  const events: JobEvent[] = ["start", "cancel", "suspend", "stop", "resume", "retry", "finish", "interrupt"];
  for (const state of states) {
    for (const event of events) {
      const row = allowed.find(([from, by]) => from === state && by === event);
      const code = event === "cancel" ? "not_cancellable" : "wrong_job_state";
      assert.equal(canHappen(state, event), row !== undefined);
      if (row === undefined) assert.throws(() => nextJobState(state, event), { code }, `${state} ${event}`);
      else assert.equal(nextJobState(state, event), row[2], `${state} ${event}`);
    }
  }
});
