import { z } from "zod";

/** What an alert rule watches. */
export const alertKinds = [
  "no_good_backup",
  "primary_silent",
  "inbox_behind",
  "notifications_missing",
] as const;

const filter = {
  /** Only primaries with all of these labels. */
  labels: z.record(z.string(), z.string()).default({}),
  /** Only these primaries. */
  primaries: z.array(z.string().max(64)).max(1_000).default([]),
};

/** What to watch, and for how long it may be missing. */
export const alertConditionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("no_good_backup"),
    hours: z.int().min(1).max(100_000),
    policy: z.string().max(256).optional(),
    client: z.string().max(256).optional(),
    ...filter,
  }),
  z.strictObject({ kind: z.literal("primary_silent"), minutes: z.int().min(1).max(1_000_000), ...filter }),
  z.strictObject({ kind: z.literal("notifications_missing"), hours: z.int().min(1).max(100_000), ...filter }),
  z.strictObject({ kind: z.literal("inbox_behind"), seconds: z.int().min(1).max(1_000_000) }),
]);
