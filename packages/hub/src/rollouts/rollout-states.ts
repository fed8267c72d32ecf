/** Where a rollout stands, as it is stored; one that is `running` may be shown as `waiting_for_window`. */
export const rolloutStates = ["running", "paused", "aborted", "finished"] as const;

/**
 * Where one target of a rollout stands: `waiting` for its turn, `started` (its stored command is queued or sent), or how it ended.
 * `done`: the primary answered below 400; `refused`: it answered 400 or more; `held`: the guard on premises wants approval first; `skipped`: the
 * rollout was aborted before; the others are ends of stored commands.
 */
export const rolloutTargetStates = [
  "waiting",
  "started",
  "done",
  "refused",
  "failed",
  "expired",
  "cancelled",
  "unknown",
  "held",
  "skipped",
] as const;
