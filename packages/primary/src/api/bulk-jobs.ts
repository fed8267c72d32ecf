import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { JobLogLine, LogSeverity } from "../jobs/job.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";

const logLineSchema = z.object({
  timestamp: z.iso.datetime({ offset: true }),
  severity: z.enum(["UNKNOWN", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
  program: z.string().max(256),
  pid: z.int(),
  message: z.string().max(1024),
});
const updateSchema = z.looseObject({
  priority: z.int().min(0).max(99_999).optional(),
  tryLogList: z.object({ data: z.array(logLineSchema).max(limits.maxJobLogLines) }).optional(),
});
const bulkSchema = z.object({
  data: z
    .array(
      z.object({
        type: z.literal("jobRequest"),
        id: z
          .string()
          .max(64)
          .refine((id) => id.isWellFormed(), "must be text"),
        attributes: z.object({ jobUpdateData: updateSchema }),
      }),
    )
    .min(1),
});

type JobUpdate = z.infer<typeof updateSchema>;

/** What became of one job of a bulk request. */
interface BulkResult {
  httpStatus: number;
  type: string;
  id: string;
  links: { self: { href: string } };
}

const severities: Readonly<Record<string, LogSeverity>> = {
  WARNING: "WARNING",
  ERROR: "ERROR",
  CRITICAL: "ERROR",
};

/** What bulk requests work on. */
export interface BulkJobRoutesOptions {
  jobs: JobStore;
  queue: JobQueue;
  clock: Clock;
}

/**
 * `/admin/bulk-job-requests`: priorities of many jobs, and lines for their logs. The rest of a job is told by the work
 * that it does, so whoever wants to set its state or status gets 501 for it. All is done before the request is
 * answered; what became of each job can be asked for until `maxBulkRequests` newer requests have come, or a restart.
 */
export function bulkJobRoutes({ jobs, queue, clock }: BulkJobRoutesOptions): ApiRoutes {
  const done = new Map<string, readonly BulkResult[]>();
  const find = (id: string): readonly BulkResult[] => {
    const results = done.get(id);
    if (results !== undefined) return results;
    throw new PrimaryError("not_found", `there is no bulk request ${id}: only the latest are remembered`);
  };
  const shown = (results: readonly BulkResult[]) => ({ meta: { bulkResourceStatus: results } });
  return new Hono<ApiEnvironment>()
    .patch("/admin/bulk-job-requests", async (context) => {
      const { data } = await readJson(context, bulkSchema);
      if (data.length > limits.maxBulkJobs) {
        throw new PrimaryError(
          "body_too_large",
          `one request takes ${limits.maxBulkJobs} jobs at most: send several`,
        );
      }
      const results = data.map(({ id, attributes }) => ({
        httpStatus: update({ jobs, queue, clock }, id, attributes.jobUpdateData),
        type: "job",
        id,
        links: { self: { href: `/admin/jobs/${encodeURIComponent(id)}` } },
      }));
      const requestId = randomUUID();
      done.set(requestId, results);
      for (const oldest of done.keys()) {
        if (done.size <= limits.maxBulkRequests) break;
        done.delete(oldest);
      }
      context.header("Location", `/netbackup/admin/bulk-job-requests/${requestId}`);
      return context.body(null, 202);
    })
    .get("/admin/bulk-job-requests/:requestId", (context) => {
      const results = find(context.req.param("requestId"));
      const isWhole = results.every(({ httpStatus }) => httpStatus < 400);
      return context.json(shown(results), isWhole ? 200 : 207);
    })
    .delete("/admin/bulk-job-requests/:requestId", (context) => {
      const id = context.req.param("requestId");
      const results = find(id);
      done.delete(id);
      return context.json(shown(results), 207);
    });
}

/** Changes one job, whole or not at all; answers the HTTP status that tells how that went. */
function update({ jobs, queue, clock }: BulkJobRoutesOptions, id: string, change: JobUpdate): number {
  const job = /^\d{1,15}$/.test(id) ? jobs.find(Number(id)) : undefined;
  if (job === undefined) return 404;
  const { priority, tryLogList, ...others } = change;
  if (Object.values(others).some((value) => value !== undefined && value !== false)) return 501;
  // A log is closed with its job.
  if (job.state === "DONE") return 409;
  const lines = (tryLogList?.data ?? []).map(
    ({ timestamp, severity, program, pid, message }): JobLogLine => ({
      atMs: Math.min(Date.parse(timestamp), clock.nowMs()),
      severity: severities[severity] ?? "INFO",
      message: `${program} (pid=${pid}) ${message}`,
    }),
  );
  jobs.log.append(job.id, lines);
  if (priority !== undefined) queue.prioritise(job, priority);
  return 204;
}
