import { Hono, type Context } from "hono";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Job } from "../jobs/job.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { parseFilter, type Filter, type FilterFields } from "./filter.ts";
import { hasCursorPaging, jobResource, tryLogResource } from "./job-resource.ts";
import { linksOf, linkTo, paginationOf, readInteger, readPage, type QueryReader } from "./pagination.ts";

const fields: FilterFields = {
  jobId: { sql: "id", type: "number" },
  parentJobId: { sql: "0", type: "number" },
  status: { sql: "status", type: "number" },
  state: { sql: "CASE state WHEN 'CANCELLING' THEN 'ACTIVE' ELSE state END", type: "enum" },
  jobType: { sql: "type", type: "enum" },
  policyName: { sql: "policy_name", type: "text" },
  clientName: { sql: "client_name", type: "text" },
  backupId: { sql: "coalesce(backup_id, '')", type: "text" },
  startTime: { sql: "coalesce(started_at_ms, queued_at_ms)", type: "timeMs" },
  endTime: { sql: "coalesce(ended_at_ms, 0)", type: "timeMs" },
};

const newestFirst = new Set(["", "-startTime", "-jobId"]);
const oldestFirst = new Set(["startTime", "jobId"]);

/** What the jobs' routes work on. */
export interface JobRoutesOptions {
  jobs: JobStore;
  queue: JobQueue;
  clock: Clock;
  primaryName: string;
}

/** `/admin/jobs` */
export function jobRoutes({ jobs, queue, clock, primaryName }: JobRoutesOptions): ApiRoutes {
  const show = (context: Context<ApiEnvironment>, job: Job) =>
    jobResource(job, { version: context.get("version"), nowMs: clock.nowMs(), primaryName });
  const find = (context: Context): Job => {
    const id = context.req.param("id") ?? "";
    const job = /^\d{1,15}$/.test(id) ? jobs.find(Number(id)) : undefined;
    if (job === undefined) throw new PrimaryError("not_found", `there is no job ${id}`);
    return job;
  };
  return new Hono<ApiEnvironment>()
    .get("/admin/jobs", (context) => {
      const query: QueryReader = (name) => context.req.query(name);
      const filter = parseFilter(query("filter"), fields);
      const list = hasCursorPaging(context.get("version")) ? listByCursor : listByOffset;
      const { page, ...envelope } = list({ jobs, filter, query, url: context.req.url });
      return context.json({ data: page.map((job) => show(context, job)), ...envelope });
    })
    .get("/admin/jobs/:id", (context) => context.json({ data: show(context, find(context)) }))
    .get("/admin/jobs/:id/try-logs", (context) => {
      const job = find(context);
      return context.json({ data: [tryLogResource(job, jobs.readLog(job.id), primaryName)] });
    })
    .get("/admin/jobs/:id/try-logs/:attempt", (context) => {
      const job = find(context);
      if (context.req.param("attempt") !== "1") {
        throw new PrimaryError("not_found", `job ${job.id} has one try`);
      }
      return context.json({ data: tryLogResource(job, jobs.readLog(job.id), primaryName) });
    })
    .post("/admin/jobs/:id/cancel", (context) => {
      queue.cancel(find(context), context.get("principal").userName);
      return context.body(null, 202);
    });
}

interface ListRequest {
  jobs: JobStore;
  filter: Filter;
  query: QueryReader;
  url: string;
}

function isNewestFirst(query: QueryReader): boolean {
  const sort = query("sort") ?? "";
  if (newestFirst.has(sort)) return true;
  if (oldestFirst.has(sort)) return false;
  throw new PrimaryError("invalid_filter", `sort by "${sort}" is not supported: use startTime or -startTime`);
}

function listByOffset({ jobs, filter, query, url }: ListRequest) {
  const page = readPage(query, limits.maxPageItems);
  const pagination = paginationOf(jobs.count(filter), page);
  const found = jobs.list(filter, { newestFirst: isNewestFirst(query), ...page });
  return { page: found, meta: { pagination }, links: linksOf(url, pagination) };
}

/** The cursor is the job's id: jobs that start meanwhile don't move the pages. */
function listByCursor({ jobs, filter, query, url }: ListRequest) {
  const { limit } = readPage(query, limits.maxPageItems);
  const isDescending = isNewestFirst(query);
  const [after, before] = [readCursor(query, "page[after]"), readCursor(query, "page[before]")];
  if (after !== undefined && before !== undefined) {
    throw new PrimaryError("invalid_request", "page[after] and page[before] exclude each other");
  }
  const isBackward = before !== undefined;
  const cursor = after ?? before;
  const goesDown = isDescending !== isBackward;
  const where =
    cursor === undefined
      ? filter
      : { sql: `(${filter.sql}) AND id ${goesDown ? "<" : ">"} ?`, values: [...filter.values, cursor] };
  const found = jobs.list(where, { newestFirst: goesDown, limit: limit + 1, offset: 0 });
  const hasMore = found.length > limit;
  const page = found.slice(0, limit);
  if (isBackward) page.reverse();
  const next = (isBackward ? cursor !== undefined : hasMore) ? page.at(-1)?.id : undefined;
  const prev = (isBackward ? hasMore : cursor !== undefined) ? page.at(0)?.id : undefined;
  const none = { "page[after]": undefined, "page[before]": undefined };
  return {
    page,
    meta: {
      pagination: {
        limit,
        ...(next === undefined ? {} : { next: String(next) }),
        ...(prev === undefined ? {} : { prev: String(prev) }),
      },
    },
    links: {
      self: { href: url },
      first: linkTo(url, none),
      ...(next === undefined ? {} : { next: linkTo(url, { ...none, "page[after]": next }) }),
      ...(prev === undefined ? {} : { prev: linkTo(url, { ...none, "page[before]": prev }) }),
    },
  };
}

function readCursor(query: QueryReader, name: string): number | undefined {
  const most = Number.MAX_SAFE_INTEGER;
  const value = readInteger(query, name, { least: 0, most, fallback: -1 });
  return value === -1 ? undefined : value;
}
