import assert from "node:assert/strict";
import test from "node:test";
import { nextJobState, type JobEvent, type JobState } from "./job-state.ts";

const allowed: [JobState, JobEvent, JobState][] = [
  ["QUEUED", "start", "ACTIVE"],
  ["QUEUED", "cancel", "DONE"],
  ["QUEUED", "interrupt", "DONE"],
  ["ACTIVE", "cancel", "CANCELLING"],
  ["ACTIVE", "finish", "DONE"],
  ["ACTIVE", "interrupt", "DONE"],
  ["CANCELLING", "cancel", "CANCELLING"],
  ["CANCELLING", "finish", "DONE"],
  ["CANCELLING", "interrupt", "DONE"],
];

test("job state - follows the table and refuses everything else", () => {
  const states: JobState[] = ["QUEUED", "ACTIVE", "CANCELLING", "DONE"];
  const events: JobEvent[] = ["start", "cancel", "finish", "interrupt"];
  for (const state of states) {
    for (const event of events) {
      const row = allowed.find(([from, by]) => from === state && by === event);
      if (row === undefined) assert.throws(() => nextJobState(state, event), { code: "not_cancellable" });
      else assert.equal(nextJobState(state, event), row[2], `${state} ${event}`);
    }
  }
});
