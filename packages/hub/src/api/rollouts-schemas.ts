import { z } from "@hono/zod-openapi";
import { commandMethods } from "@sallyport/nbwss";
import { scopeSchema } from "../access/roles.ts";
import { rolloutStates, rolloutTargetStates } from "../rollouts/rollout-states.ts";
import { listOf, pageQuery } from "./paging.ts";

/** Days of the week, in UTC. */
export const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

const timeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "has to be HH:MM, UTC, from 00:00 to 23:59");

/** When commands may be sent: from `start` to `end`, UTC; an `end` that is not after `start` is on the next day. */
export const rolloutWindowSchema = z
  .strictObject({
    /** On which days it begins; every day unless said. */
    weekdays: z.array(z.enum(weekdays)).min(1).max(7).optional(),
    start: timeOfDay,
    end: timeOfDay,
  })
  .openapi("RolloutWindow");

/** When a rollout aborts by itself: so many percent of those that ended have failed, once so many have ended. */
export const rolloutAbortSchema = z
  .strictObject({
    failedPercent: z.number().gt(0).max(100),
    afterEnded: z.int().min(1).max(1_000_000),
  })
  .openapi("RolloutAbortWhen");

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, "has to be the name of a header");
const headerValue = z
  .string()
  .max(8_192)
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, "must not hold line breaks or control characters");

const pace = {
  /** Starts per minute, 1 to 1,000, evenly spread. */
  ratePerMinute: z.int().min(1).max(1_000).default(60),
  /** Targets that are started and have not ended, at most. */
  maxRunning: z.int().min(1).max(1_000).default(10),
  windows: z.array(rolloutWindowSchema).max(14).default([]),
};

/** Body of POST /rollouts. */
export const newRolloutSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(128),
    command: z.strictObject({
      method: z.enum(commandMethods),
      /** Path and query for the primary. */
      path: z.string().max(4_096).startsWith("/netbackup/"),
      headers: z.record(headerName, headerValue).default({}),
      body: z.string().optional(),
    }),
    /** Which primaries: those of these ids, with all of these labels, or all; frozen when the rollout is created. */
    primaries: scopeSchema,
    ...pace,
    abortWhen: rolloutAbortSchema.optional(),
    /** Deadline of each command from its start, ms; the end of the window comes first. */
    timeoutMs: z.int().min(1_000).optional(),
    /** Answers which primaries it would reach, and does nothing. */
    dryRun: z.boolean().default(false),
  })
  .openapi("NewRollout");

const counts = z.object(
  Object.fromEntries(rolloutTargetStates.map((state) => [state, z.int()])) as Record<
    (typeof rolloutTargetStates)[number],
    z.ZodInt
  >,
);

/** A rollout: one command to many primaries. */
export const rolloutSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum([...rolloutStates, "waiting_for_window"]),
    /** Why it is paused, aborted or waits; null when there is nothing to say. */
    reason: z.string().nullable(),
    method: z.string(),
    /** Without its query. */
    path: z.string(),
    /** How many primaries. */
    targets: z.int(),
    /** Of its targets, by state; only from what is about one rollout. */
    counts: counts.optional(),
    ratePerMinute: z.int(),
    maxRunning: z.int(),
    windows: z.array(rolloutWindowSchema),
    abortWhen: rolloutAbortSchema.nullable(),
    timeoutMs: z.int(),
    createdAt: z.string(),
    createdBy: z.string(),
    endedAt: z.string().nullable(),
  })
  .openapi("Rollout");
export const rolloutListSchema = listOf(rolloutSchema).openapi("RolloutList");

/** Answer to a dry run. */
export const rolloutPreviewSchema = z
  .object({
    dryRun: z.literal(true),
    targets: z.int(),
    primaries: z.array(z.object({ id: z.string(), name: z.string(), connected: z.boolean() })),
  })
  .openapi("RolloutPreview");

/** Query of GET /rollouts; newest first. */
export const rolloutsQuerySchema = z.strictObject({ ...pageQuery, state: z.enum(rolloutStates).optional() });
/** Query of GET /rollouts/{id}/targets; in the order in which they start. */
export const rolloutTargetsQuerySchema = z.strictObject({
  ...pageQuery,
  state: z.enum(rolloutTargetStates).optional(),
});

/** One primary of a rollout. */
export const rolloutTargetSchema = z
  .object({
    primaryId: z.string(),
    /** Null when the primary was deleted since. */
    primaryName: z.string().nullable(),
    state: z.enum(rolloutTargetStates),
    /** The end state of the relay, such as `not_connected` or `lost`; null when there is none. */
    error: z.string().nullable(),
    /** The status of the primary's answer; null when there was none. */
    status: z.int().nullable(),
    /** Its stored command; null before it is started. */
    commandId: z.string().nullable(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
  })
  .openapi("RolloutTarget");
export const rolloutTargetListSchema = listOf(rolloutTargetSchema).openapi("RolloutTargetList");

export type NewRollout = z.infer<typeof newRolloutSchema>;
export type Rollout = z.infer<typeof rolloutSchema>;
export type RolloutTarget = z.infer<typeof rolloutTargetSchema>;
export type RolloutPreview = z.infer<typeof rolloutPreviewSchema>;
export type RolloutWindow = z.infer<typeof rolloutWindowSchema>;
