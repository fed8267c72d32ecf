import { z } from "@hono/zod-openapi";
import { labelQuery, listOf, momentQuery, pageQuery, repeated, wholeNumber } from "./paging.ts";

const text = z.string().min(1).max(256);

/** Query of GET /jobs. */
export const jobsQuerySchema = z.strictObject({
  ...pageQuery,
  primary: z.string().max(64).optional(),
  label: repeated(labelQuery),
  state: z.enum(["QUEUED", "ACTIVE", "DONE"]).optional(),
  /** `ok` (0), `partial` (1), `failed` (DONE with another), or a status code. */
  status: z.union([z.enum(["ok", "partial", "failed"]), wholeNumber]).optional(),
  type: text.optional(),
  policy: text.optional(),
  client: text.optional(),
  /** By start time. */
  since: momentQuery.optional(),
  until: momentQuery.optional(),
  sort: z
    .enum([
      "startTime",
      "-startTime",
      "updatedAt",
      "-updatedAt",
      "client",
      "-client",
      "policy",
      "-policy",
      "status",
      "-status",
    ])
    .default("-startTime"),
});

/** A job of a primary, as its notifications tell it. */
export const jobSchema = z
  .object({
    primaryId: z.string(),
    primaryName: z.string(),
    jobId: z.int(),
    parentJobId: z.int().nullable(),
    jobType: z.string().nullable(),
    state: z.string(),
    /** NetBackup's status code; null while the job runs. */
    status: z.int().nullable(),
    policyName: z.string().nullable(),
    policyType: z.string().nullable(),
    scheduleType: z.string().nullable(),
    clientName: z.string().nullable(),
    startTime: z.string().nullable(),
    /** When the hub stored the last notification of it. */
    updatedAt: z.string(),
  })
  .openapi("Job");
export const jobListSchema = listOf(jobSchema).openapi("JobList");

/** Query of GET /jobs/summary: jobs that started within a window, the last 24 h unless said. */
export const jobSummaryQuerySchema = z.strictObject({
  primary: z.string().max(64).optional(),
  label: repeated(labelQuery),
  since: momentQuery.optional(),
  until: momentQuery.optional(),
});

/** Answer of GET /jobs/summary; primaries without a job in the window are left out. */
export const jobSummarySchema = z
  .object({
    since: z.string(),
    total: z.object({ queued: z.int(), active: z.int(), ok: z.int(), partial: z.int(), failed: z.int() }),
    primaries: z.array(
      z.object({
        primaryId: z.string(),
        primaryName: z.string(),
        queued: z.int(),
        active: z.int(),
        ok: z.int(),
        partial: z.int(),
        failed: z.int(),
      }),
    ),
  })
  .openapi("JobSummary");

/** Query of GET /images. */
export const imagesQuerySchema = z.strictObject({
  ...pageQuery,
  primary: z.string().max(64).optional(),
  label: repeated(labelQuery),
  client: text.optional(),
  /** Images that were deleted are left out unless true. */
  deleted: z.enum(["true", "false"]).default("false"),
  since: momentQuery.optional(),
  until: momentQuery.optional(),
  sort: z
    .enum(["backupTime", "-backupTime", "client", "-client", "updatedAt", "-updatedAt"])
    .default("-backupTime"),
});

/** A backup image of a primary, as its notifications tell it. */
export const imageSchema = z
  .object({
    primaryId: z.string(),
    primaryName: z.string(),
    backupId: z.string(),
    clientName: z.string().nullable(),
    clientType: z.string().nullable(),
    backupTime: z.string().nullable(),
    createdTime: z.string().nullable(),
    lastOperation: z.string(),
    deleted: z.boolean(),
    hasLocalCopy: z.boolean(),
    updatedAt: z.string(),
  })
  .openapi("Image");
export const imageListSchema = listOf(imageSchema).openapi("ImageList");

/** Query of GET /backups/last-good. With `missingForHours`, only what has had no good backup for so long. */
export const lastGoodQuerySchema = z.strictObject({
  ...pageQuery,
  primary: z.string().max(64).optional(),
  label: repeated(labelQuery),
  policy: text.optional(),
  client: text.optional(),
  missingForHours: wholeNumber.pipe(z.number().min(1).max(100_000)).optional(),
});

/** The last good backup of a client by a policy. */
export const lastGoodSchema = z
  .object({
    primaryId: z.string(),
    primaryName: z.string(),
    clientName: z.string(),
    policyName: z.string(),
    /** Null when there has been none since the hub has known this client and policy. */
    lastGoodAt: z.string().nullable(),
    lastGoodJobId: z.int().nullable(),
    /** Status 1: some files were left out. */
    isPartial: z.boolean(),
    /** The newest backup job that ended, good or not. */
    lastStatus: z.int().nullable(),
  })
  .openapi("LastGoodBackup");
export const lastGoodListSchema = listOf(lastGoodSchema).openapi("LastGoodBackupList");

/** Query of GET /backups/silent-primaries: enrolled primaries without any good backup for so many hours. */
export const withoutBackupQuerySchema = z.strictObject({
  ...pageQuery,
  hours: wholeNumber.pipe(z.number().min(1).max(100_000)).default(26).openapi({ type: "integer" }),
  label: repeated(labelQuery),
});
export const withoutBackupSchema = z
  .object({ primaryId: z.string(), primaryName: z.string(), lastGoodAt: z.string().nullable() })
  .openapi("PrimaryWithoutBackup");
export const withoutBackupListSchema = listOf(withoutBackupSchema).openapi("PrimaryWithoutBackupList");

export type Job = z.infer<typeof jobSchema>;
export type JobSummary = z.infer<typeof jobSummarySchema>;
export type Image = z.infer<typeof imageSchema>;
export type LastGoodBackup = z.infer<typeof lastGoodSchema>;
export type PrimaryWithoutBackup = z.infer<typeof withoutBackupSchema>;
