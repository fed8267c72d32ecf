import { z } from "zod";
import { rolloutTargetStates } from "./rollout-states.ts";

const rollout = z.object({
  id: z.string(),
  name: z.string(),
  method: z.string(),
  /** Without its query. */
  path: z.string(),
  /** How many primaries. */
  targets: z.int(),
});
const ended = rollout.extend({
  /** Targets by state at that moment; states that none has are left out. */
  counts: z.partialRecord(z.enum(rolloutTargetStates), z.int()),
});

/** The data of each event about rollouts, by type. */
export const rolloutEvents = {
  "sallyport.rollout.created": rollout.extend({ createdBy: z.string() }),
  "sallyport.rollout.finished": ended,
  "sallyport.rollout.aborted": ended.extend({ reason: z.string() }),
} as const;
