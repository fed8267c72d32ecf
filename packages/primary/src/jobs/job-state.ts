import { PrimaryError } from "../errors.ts";

/**
 * Where a job is. CANCELLING and SUSPENDING are active jobs whose restic has been told to stop; NetBackup knows no such
 * states, so clients see them as ACTIVE.
 */
export type JobState = "QUEUED" | "ACTIVE" | "CANCELLING" | "SUSPENDING" | "SUSPENDED" | "REQUEUED" | "DONE";

/**
 * What can happen to a job. `finish` is its own end, `interrupt` the end of the primary under it, `retry` a try that
 * failed and is not the last, `stop` the end of a try that was suspended.
 */
export type JobEvent = "start" | "cancel" | "suspend" | "stop" | "resume" | "retry" | "finish" | "interrupt";

const transitions: Readonly<Record<JobState, Partial<Record<JobEvent, JobState>>>> = {
  QUEUED: { start: "ACTIVE", cancel: "DONE", suspend: "SUSPENDED", interrupt: "DONE" },
  ACTIVE: {
    cancel: "CANCELLING",
    suspend: "SUSPENDING",
    retry: "REQUEUED",
    finish: "DONE",
    interrupt: "DONE",
  },
  CANCELLING: { cancel: "CANCELLING", finish: "DONE", interrupt: "DONE" },
  SUSPENDING: {
    cancel: "CANCELLING",
    suspend: "SUSPENDING",
    stop: "SUSPENDED",
    finish: "DONE",
    interrupt: "DONE",
  },
  SUSPENDED: { cancel: "DONE", resume: "QUEUED" },
  REQUEUED: { start: "ACTIVE", cancel: "DONE", suspend: "SUSPENDED" },
  DONE: {},
};

/** The states in which a job waits for its turn, or for somebody, and survives the end of the primary. */
export const restingStates: ReadonlySet<JobState> = new Set(["SUSPENDED", "REQUEUED"]);

/** Whether something can happen to a job that is in a state. */
export function canHappen(state: JobState, event: JobEvent): boolean {
  return transitions[state][event] !== undefined;
}

/** The state that clients are shown. */
export function shownState(state: JobState): string {
  return state === "CANCELLING" || state === "SUSPENDING" ? "ACTIVE" : state;
}

/**
 * The state after an event.
 * @throws PrimaryError `not_cancellable` or `wrong_job_state` when the event can't happen in that state
 */
export function nextJobState(state: JobState, event: JobEvent): JobState {
  const next = transitions[state][event];
  if (next !== undefined) return next;
  throw new PrimaryError(
    event === "cancel" ? "not_cancellable" : "wrong_job_state",
    `a job that is ${state} can't ${event}; look at its state first`,
  );
}
