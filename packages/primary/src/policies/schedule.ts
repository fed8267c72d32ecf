import { z } from "zod";
import { policyNameSchema } from "./policy-name.ts";

const daySeconds = 86_400;

const dateListSchema = z.object({
  lastDayOfMonth: z.boolean().nullish(),
  recurringDaysOfMonth: z.array(z.int().min(1).max(31)).max(31).nullish(),
  // Week of the month (5: the last), and day of the week (1: Sunday).
  recurringDaysOfWeek: z
    .array(z.string().regex(/^[1-5]:[1-7]$/, 'must be "week:day", such as "1:2" for the first Monday'))
    .max(35)
    .nullish(),
  specificDates: z
    .array(z.string().regex(/^\d{4}-\d{1,2}-\d{1,2}$/, "must be a date such as 2026-1-31"))
    .max(1000)
    .nullish(),
});

/** Days of a calendar schedule. */
export type DateList = z.infer<typeof dateListSchema>;

const retentionPeriodSchema = z.object({
  value: z.int().min(0).max(1_000_000).nullish(),
  unit: z.enum(["SECONDS", "MINUTES", "HOURS", "DAYS", "WEEKS", "MONTHS", "YEARS", "INFINITE"]).nullish(),
});

/** How long an image is kept. */
export type RetentionPeriod = z.infer<typeof retentionPeriodSchema>;

const copySchema = z.object({
  storage: z.string().max(128).nullish(),
  volumePool: z.string().max(128).nullish(),
  mediaOwner: z.string().max(128).nullish(),
  failStrategy: z.enum(["Continue", "Fail All Copies"]).nullish(),
  retentionPeriod: retentionPeriodSchema.nullish(),
  retentionLevel: z.int().min(0).max(100).nullish(),
});

const windowSchema = z.object({
  dayOfWeek: z.int().min(1).max(7),
  startSeconds: z
    .int()
    .min(0)
    .max(daySeconds - 1),
  durationSeconds: z
    .int()
    .min(0)
    .max(7 * daySeconds),
});

/** One day's start window: 1 is Sunday; a duration of 0 means none. */
export type StartWindow = z.infer<typeof windowSchema>;

/** When a policy runs by itself, and how long its images are kept. */
export const scheduleSchema = z.object({
  scheduleName: policyNameSchema,
  scheduleType: z.enum(["Calendar", "Frequency"]).nullish(),
  backupType: z
    .enum([
      "Full Backup",
      "Differential Incremental Backup",
      "Cumulative Incremental Backup",
      "User Backup",
      "User Archive",
    ])
    .nullish(),
  frequencySeconds: z.int().min(0).max(2_147_483_647).nullish(),
  mediaMultiplexing: z.int().nullish(),
  retriesAllowedAfterRunDay: z.boolean().nullish(),
  snapshotOnly: z.boolean().nullish(),
  syntheticBackup: z.boolean().nullish(),
  storageIsSLP: z.boolean().nullish(),
  acceleratorForcedRescan: z.boolean().nullish(),
  backupCopies: z
    .object({
      priority: z.int().nullish(),
      copies: z.array(copySchema).max(1, "this primary makes one copy of each backup").nullish(),
    })
    .nullish(),
  startWindow: z.array(windowSchema).max(7).nullish(),
  includeDates: dateListSchema.nullish(),
  excludeDates: dateListSchema.nullish(),
});

/** A schedule of a policy. */
export type Schedule = z.infer<typeof scheduleSchema>;

const levels: readonly RetentionPeriod[] = [
  { value: 1, unit: "WEEKS" },
  { value: 2, unit: "WEEKS" },
  { value: 3, unit: "WEEKS" },
  { value: 1, unit: "MONTHS" },
  { value: 2, unit: "MONTHS" },
  { value: 3, unit: "MONTHS" },
  { value: 6, unit: "MONTHS" },
  { value: 9, unit: "MONTHS" },
  { value: 1, unit: "YEARS" },
];

/** The retention that a schedule asks for, by period or by NetBackup's level; undefined: it asks for none. */
export function retentionOf(schedule: Schedule | undefined): RetentionPeriod | undefined {
  const copy = schedule?.backupCopies?.copies?.[0];
  if (copy?.retentionPeriod?.unit != null) return copy.retentionPeriod;
  return copy?.retentionLevel == null ? undefined : (levels[copy.retentionLevel] ?? { unit: "INFINITE" });
}

const unitMs = { SECONDS: 1000, MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000, WEEKS: 604_800_000 };

/** When an image of this age expires, epoch ms; null: never, also without a retention. */
export function expirationOf(backupTimeMs: number, retention: RetentionPeriod | undefined): number | null {
  const { unit, value } = retention ?? {};
  if (unit == null || unit === "INFINITE" || value == null) return null;
  if (unit !== "MONTHS" && unit !== "YEARS") return backupTimeMs + value * unitMs[unit];
  const date = new Date(backupTimeMs);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + value * (unit === "YEARS" ? 12 : 1));
  // The 31st of a month that has fewer days is its last.
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  const time = date.getTime();
  // Beyond what a date can hold is never.
  return Number.isNaN(time) ? null : time;
}
