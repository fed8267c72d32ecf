import { Hono } from "hono";
import { PrimaryError } from "../errors.ts";
import { failedStreams, isParent } from "../jobs/job-family.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Job } from "../jobs/job.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { isRestartable } from "./job-resource.ts";
import { findJob } from "./jobs.ts";

/** What the jobs' actions work on. */
export interface JobActionOptions {
  jobs: JobStore;
  queue: JobQueue;
}

/** What can be done to jobs below `/admin/jobs`; each is answered with 202 and no body. */
export function jobActionRoutes({ jobs, queue }: JobActionOptions): ApiRoutes {
  const userOf = (context: { get: (name: "principal") => { userName: string } }) =>
    context.get("principal").userName;
  return new Hono<ApiEnvironment>()
    .post("/admin/jobs/:id/cancel", (context) => {
      queue.cancel(findJob(jobs, context), userOf(context));
      return context.body(null, 202);
    })
    .post("/admin/jobs/:id/suspend", (context) => {
      queue.suspend(findJob(jobs, context), userOf(context));
      return context.body(null, 202);
    })
    .post("/admin/jobs/:id/resume", (context) => {
      queue.resume(findJob(jobs, context), userOf(context));
      return context.body(null, 202);
    })
    .post("/admin/jobs/:id/restart", (context) => {
      const job = findJob(jobs, context);
      restart({ jobs, queue }, job, userOf(context));
      context.header("Location", `/netbackup/admin/restart-job-requests/${job.id}`);
      return context.body(null, 202);
    })
    .get("/admin/restart-job-requests/:id", (context) => {
      const job = findJob(jobs, context);
      const restarted = jobs.findRestartOf(job.id);
      if (restarted === undefined) throw new PrimaryError("not_found", `job ${job.id} was not restarted`);
      const self = { href: `/admin/jobs/${restarted.id}` };
      return context.json({
        data: { type: "jobRestartResponse", id: String(restarted.id), links: { self } },
      });
    })
    .delete("/admin/jobs/:id", (context) => {
      const job = findJob(jobs, context);
      const family = [...jobs.listChildren(job.id), job];
      const open = family.find(({ state }) => state !== "DONE");
      if (open !== undefined) {
        // The documented answers have no 400 here.
        throw new PrimaryError(
          "job_not_done",
          `job ${open.id} is ${open.state}: cancel it first, then delete it`,
        );
      }
      for (const { id } of family) jobs.delete(id);
      return context.body(null, 202);
    });
}

/** A restart is a new job that does what the old one was to do; of a parent what has failed of it. */
function restart({ jobs, queue }: JobActionOptions, job: Job, userName: string): Job {
  const isFamily = isParent(job);
  if (!isRestartable(job, isFamily ? jobs.countChildren(job.id) : undefined)) {
    throw new PrimaryError(
      "wrong_job_state",
      `job ${job.id} can't be restarted: only backups that have ended with a failure can`,
    );
  }
  return queue.submit({
    ...job,
    request: isFamily ? failedStreams(job, jobs.listChildren(job.id)) : job.request,
    parentId: 0,
    maxTries: 1,
    // Somebody wants it now.
    windowEndMs: null,
    owner: userName,
    subType: "IMMEDIATE",
    restartOf: job.id,
  });
}
