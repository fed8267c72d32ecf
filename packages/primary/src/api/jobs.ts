import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { compileFilter } from "../filter/filter.ts";
import { isParent } from "../jobs/job-family.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Job } from "../jobs/job.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { jobFieldsOf } from "./job-fields.ts";
import { listJobsByCursor, listJobsByOffset } from "./job-list.ts";
import { hasCursorPaging, jobResource, tryLogResource } from "./job-resource.ts";
import { paginationOf, readPage } from "./pagination.ts";
import { readJson } from "./request-body.ts";

const countSchema = z.object({
  data: z.object({
    type: z.literal("jobCount"),
    attributes: z.object({ filter: z.string().nullish() }).nullish(),
  }),
});

/** What the jobs' routes work on. */
export interface JobRoutesOptions {
  jobs: JobStore;
  queue: JobQueue;
  clock: Clock;
  primaryName: string;
}

/** Finds the job that a path names. @throws PrimaryError `not_found` */
export function findJob(jobs: JobStore, context: Context): Job {
  const id = context.req.param("id") ?? "";
  const job = /^\d{1,15}$/.test(id) ? jobs.find(Number(id)) : undefined;
  if (job === undefined) throw new PrimaryError("not_found", `there is no job ${id}`);
  return job;
}

/** What is read of jobs below `/admin/jobs`. */
export function jobRoutes({ jobs, queue, clock, primaryName }: JobRoutesOptions): ApiRoutes {
  const show = (context: Context<ApiEnvironment>, job: Job, cursor = String(job.id)) =>
    jobResource(job, {
      version: context.get("version"),
      nowMs: clock.nowMs(),
      primaryName,
      children: isParent(job) ? jobs.countChildren(job.id) : undefined,
      obstacle: queue.obstacleOf(job.id),
      cursor,
    });
  const fields = jobFieldsOf(primaryName);
  return new Hono<ApiEnvironment>()
    .get("/admin/jobs", (context) => {
      const list = hasCursorPaging(context.get("version")) ? listJobsByCursor : listJobsByOffset;
      const request = {
        jobs,
        fields,
        query: (name: string) => context.req.query(name),
        url: context.req.url,
      };
      const { page, ...envelope } = list(request);
      return context.json({ data: page.map(({ job, cursor }) => show(context, job, cursor)), ...envelope });
    })
    .post("/admin/jobs-count-requests", async (context) => {
      const { attributes } = (await readJson(context, countSchema)).data;
      const filter = attributes?.filter ?? "";
      const count = jobs.count(compileFilter(filter, fields));
      return context.json({ data: { type: "jobCount", id: "jobCount", attributes: { count, filter } } });
    })
    .get("/admin/jobs/:id", (context) => context.json({ data: show(context, findJob(jobs, context)) }))
    .get("/admin/jobs/:id/try-logs", (context) => {
      const job = findJob(jobs, context);
      const tries = jobs.log.tries(job.id);
      const lastTry = tries.length;
      const data = tries.map((attempt) =>
        tryLogResource(job, attempt, { lines: jobs.log.read(job.id, attempt.number), lastTry, primaryName }),
      );
      return context.json({ data });
    })
    .get("/admin/jobs/:id/try-logs/:attempt", (context) => {
      const job = findJob(jobs, context);
      const tries = jobs.log.tries(job.id);
      const attempt = tries.find(({ number }) => String(number) === context.req.param("attempt"));
      if (attempt === undefined) {
        throw new PrimaryError("not_found", `job ${job.id} has had ${tries.length} tries`);
      }
      const lines = jobs.log.read(job.id, attempt.number);
      return context.json({
        data: tryLogResource(job, attempt, { lines, lastTry: tries.length, primaryName }),
      });
    })
    .get("/admin/jobs/:id/progress-logs", (context) => {
      const job = findJob(jobs, context);
      const page = readPage((name) => context.req.query(name), limits.maxPageItems);
      const lines = jobs.log.read(job.id);
      const data = lines.slice(page.offset, page.offset + page.limit).map(({ atMs, message }, index) => ({
        id: page.offset + index,
        type: "getJobProgressEntryResponse",
        attributes: { message: `${new Date(atMs).toISOString()} ${message}` },
      }));
      const { prev = 0, next = page.offset, ...pagination } = paginationOf(lines.length, page);
      // Every member is required here, also at the ends.
      return context.json({ data, meta: { pagination: { ...pagination, prev, next } } });
    })
    .get("/admin/jobs/:id/file-lists", (context) => {
      const job = findJob(jobs, context);
      const self = { href: `/admin/jobs/${job.id}/file-lists` };
      const fileList = pathsOf(job.request);
      return context.json({
        data: { type: "file-lists", id: job.id, links: { self }, attributes: { fileList } },
      });
    });
}

const pathsSchema = z.union([
  z.object({ selections: z.array(z.string()) }).transform(({ selections }) => selections),
  z
    .object({ streams: z.array(z.object({ selections: z.array(z.string()) })) })
    .transform(({ streams }) => streams.flatMap(({ selections }) => selections)),
  z
    .object({ moves: z.array(z.object({ path: z.string() })) })
    .transform(({ moves }) => moves.map(({ path }) => path)),
]);

/** What a job works on: the selections of a backup, the paths of a restore. */
function pathsOf(request: unknown): string[] {
  return pathsSchema.safeParse(request).data ?? [];
}
