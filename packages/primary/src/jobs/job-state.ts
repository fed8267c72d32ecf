import { PrimaryError } from "../errors.ts";

/**
 * Where a job is. CANCELLING is an active job whose restic has been told to stop; NetBackup knows no such state, so
 * clients see it as ACTIVE.
 */
export type JobState = "QUEUED" | "ACTIVE" | "CANCELLING" | "DONE";

/** What can happen to a job. `finish` is its own end, `interrupt` the end of the primary under it. */
export type JobEvent = "start" | "cancel" | "finish" | "interrupt";

const transitions: Readonly<Record<JobState, Partial<Record<JobEvent, JobState>>>> = {
  QUEUED: { start: "ACTIVE", cancel: "DONE", interrupt: "DONE" },
  ACTIVE: { cancel: "CANCELLING", finish: "DONE", interrupt: "DONE" },
  CANCELLING: { cancel: "CANCELLING", finish: "DONE", interrupt: "DONE" },
  DONE: {},
};

/**
 * The state after an event.
 * @throws PrimaryError `not_cancellable` when the event can't happen in that state
 */
export function nextJobState(state: JobState, event: JobEvent): JobState {
  const next = transitions[state][event];
  if (next === undefined) {
    throw new PrimaryError(
      "not_cancellable",
      `a job that is ${state} can't ${event}; look at its state first`,
    );
  }
  return next;
}
