import { Hono } from "hono";
import { PrimaryError } from "../errors.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Job } from "../jobs/job.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { isRestartable } from "./job-resource.ts";
import { findJob } from "./jobs.ts";

/** What can be done to jobs below `/admin/jobs`; each is answered with 202 and no body. */
export function jobActionRoutes({ jobs, queue }: { jobs: JobStore; queue: JobQueue }): ApiRoutes {
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
      restart(queue, job, userOf(context));
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

/** A restart is a new job that does what the old one was to do. */
function restart(queue: JobQueue, job: Job, userName: string): Job {
  if (!isRestartable(job)) {
    throw new PrimaryError(
      "wrong_job_state",
      `job ${job.id} can't be restarted: only backups that have ended with a failure can`,
    );
  }
  return queue.submit({
    ...job,
    parentId: 0,
    maxTries: 1,
    owner: userName,
    subType: "IMMEDIATE",
    restartOf: job.id,
  });
}
