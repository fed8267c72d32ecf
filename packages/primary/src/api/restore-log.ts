import { Hono } from "hono";
import { PrimaryError } from "../errors.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { findJob } from "./jobs.ts";

/** `/recovery/restore-log/{jobId}`: the log of a restore's job, line by line. */
export function restoreLogRoutes({ jobs }: { jobs: JobStore }): ApiRoutes {
  return new Hono<ApiEnvironment>().get("/recovery/restore-log/:id", (context) => {
    const job = findJob(jobs, context);
    if (job.type !== "RESTORE") throw new PrimaryError("not_found", `job ${job.id} is no restore`);
    const contents = jobs.log
      .read(job.id)
      .map(({ atMs, severity, message }) => `${new Date(atMs).toISOString()} ${severity} ${message}`);
    const attributes = { contents, filename: `restore-${job.id}.log` };
    return context.json({ data: { type: "restoreLog", id: String(job.id), attributes } });
  });
}
