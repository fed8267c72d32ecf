import { createRoute } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import type { HubLimits } from "../config/limits.ts";
import type { BackupsView } from "../fleet/backups-view.ts";
import { primariesAsked } from "../fleet/fleet-filter.ts";
import { imagesRequest } from "../fleet/images-request.ts";
import type { ImageRow, ImagesView } from "../fleet/images-view.ts";
import { noJobs, type OutcomeCounts } from "../fleet/job-counts.ts";
import { jobsRequest } from "../fleet/jobs-request.ts";
import type { JobRow, JobsView } from "../fleet/jobs-view.ts";
import type { Value } from "../fleet/row-pages.ts";
import { HubError } from "../errors.ts";
import type { PrimariesView } from "../views/primaries.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import {
  imageListSchema,
  imagesQuerySchema,
  jobListSchema,
  jobsQuerySchema,
  jobSummaryQuerySchema,
  jobSummarySchema,
  lastGoodListSchema,
  lastGoodQuerySchema,
  withoutBackupListSchema,
  withoutBackupQuerySchema,
} from "./fleet-schemas.ts";
import { iso, isoOrNull, toImage, toJob, toLastGood } from "./fleet-answers.ts";
import { fromCursor, toCursor, toPage } from "./paging.ts";

/** What the routes need. */
export interface FleetRoutesOptions {
  access: Pick<Access, "visiblePrimaries">;
  primaries: Pick<PrimariesView, "get" | "list">;
  jobs: JobsView;
  images: ImagesView;
  backups: BackupsView;
  limits: Pick<HubLimits, "maxListRows">;
  /** Epoch ms. */
  now: () => number;
}

const hourMs = 3_600_000;

const listJobs = createRoute({
  method: "get",
  path: "/api/v1/jobs",
  request: { query: jobsQuerySchema },
  responses: {
    200: {
      description:
        "Jobs across the primaries. A page may be shorter than `limit`, even empty, and still have a `next`: then more rows were looked through than one answer may take",
      content: { "application/json": { schema: jobListSchema } },
    },
    ...problemResponses,
  },
});
const summary = createRoute({
  method: "get",
  path: "/api/v1/jobs/summary",
  request: { query: jobSummaryQuerySchema },
  responses: {
    200: {
      description: "How many jobs that started within the window are in which state",
      content: { "application/json": { schema: jobSummarySchema } },
    },
    ...problemResponses,
  },
});
const listImages = createRoute({
  method: "get",
  path: "/api/v1/images",
  request: { query: imagesQuerySchema },
  responses: {
    200: {
      description: "Backup images across the primaries; pages as of jobs",
      content: { "application/json": { schema: imageListSchema } },
    },
    ...problemResponses,
  },
});
const listLastGood = createRoute({
  method: "get",
  path: "/api/v1/backups/last-good",
  request: { query: lastGoodQuerySchema },
  responses: {
    200: {
      description: "The last good backup of each client by each policy; pages as of jobs",
      content: { "application/json": { schema: lastGoodListSchema } },
    },
    ...problemResponses,
  },
});
const listWithoutBackup = createRoute({
  method: "get",
  path: "/api/v1/backups/silent-primaries",
  request: { query: withoutBackupQuerySchema },
  responses: {
    200: {
      description: "Primaries without any good backup for so many hours, those that never had one included",
      content: { "application/json": { schema: withoutBackupListSchema } },
    },
    ...problemResponses,
  },
});

/** Adds the lists across the primaries: jobs and images, as their notifications tell them, and what was backed up last. */
export function addFleetRoutes(app: ApiApp, options: FleetRoutesOptions): void {
  const { primaries, jobs, images, backups, limits, now } = options;
  const maxRows = limits.maxListRows;
  const nameOf = (id: string) => primaries.get(id)?.name ?? id;
  app.openapi(listJobs, (c) => {
    const { sort: sorting, cursor, since, until, ...query } = c.req.valid("query");
    const { sort, descending } = readSort(sorting);
    const ids = primariesAsked(options, c.var.caller, query);
    const page = jobs.pages.read(
      jobsRequest({
        ...query,
        ids,
        ...windowOf(since, until),
        sort,
        descending,
        after: readCursor(cursor, sorting),
        maxRows,
      }),
    );
    const data = page.rows.map(({ row }) => toJob(row as unknown as JobRow, nameOf));
    return c.json({ data, next: nextOf(page.next, sorting) }, 200);
  });
  app.openapi(summary, async (c) => {
    const { since, until, ...query } = c.req.valid("query");
    const ids = primariesAsked(options, c.var.caller, query);
    const toMs = until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(until);
    const fromMs = since === undefined ? now() - 24 * hourMs : Date.parse(since);
    const counts = await jobs.count(ids, fromMs, toMs);
    const total = noJobs();
    for (const one of counts.values()) {
      for (const name of Object.keys(total) as (keyof OutcomeCounts)[]) total[name] += one[name];
    }
    const perPrimary = [...counts].map(([primaryId, one]) => {
      return { primaryId, primaryName: nameOf(primaryId), ...one };
    });
    perPrimary.sort((left, right) => (left.primaryName < right.primaryName ? -1 : 1));
    return c.json({ since: iso(fromMs), total, primaries: perPrimary }, 200);
  });
  app.openapi(listImages, (c) => {
    const { sort: sorting, cursor, since, until, deleted, ...query } = c.req.valid("query");
    const { sort, descending } = readSort(sorting);
    const ids = primariesAsked(options, c.var.caller, query);
    const asked = { ...query, ids, withDeleted: deleted === "true", ...windowOf(since, until) };
    const page = images.pages.read(
      imagesRequest({ ...asked, sort, descending, after: readCursor(cursor, sorting), maxRows }),
    );
    const data = page.rows.map(({ row }) => toImage(row as unknown as ImageRow, nameOf));
    return c.json({ data, next: nextOf(page.next, sorting) }, 200);
  });
  app.openapi(listLastGood, (c) => {
    const { cursor, missingForHours, ...query } = c.req.valid("query");
    const ids = primariesAsked(options, c.var.caller, query);
    const key = cursor === undefined ? undefined : fromCursor(cursor, 3).map(String);
    const withoutGoodSince = missingForHours === undefined ? undefined : now() - missingForHours * hourMs;
    const after = key as [string, string, string] | undefined;
    const page = backups.page({ ...query, ids, withoutGoodSince, after, maxRows });
    const data = page.rows.map((row) => toLastGood(row, nameOf));
    return c.json({ data, next: page.next === null ? null : toCursor(page.next) }, 200);
  });
  app.openapi(listWithoutBackup, (c) => {
    const { cursor, hours, label, limit } = c.req.valid("query");
    const asked = primariesAsked(options, c.var.caller, { label });
    const ids = asked === "all" ? undefined : new Set(asked);
    const after = cursor === undefined ? "" : String(fromCursor(cursor, 1)[0]);
    const sinceMs = now() - hours * hourMs;
    const found = [];
    for (const { id, name } of primaries.list()) {
      if (name <= after || ids?.has(id) === false) continue;
      const goodMs = backups.lastGoodOf(id);
      if (goodMs !== null && goodMs >= sinceMs) continue;
      found.push({ primaryId: id, primaryName: name, lastGoodAt: isoOrNull(goodMs) });
    }
    found.sort((left, right) => (left.primaryName < right.primaryName ? -1 : 1));
    return c.json(
      toPage(found, limit, ({ primaryName }) => [primaryName]),
      200,
    );
  });
}

function readSort<T extends string>(sorting: T): { sort: Exclude<T, `-${string}`>; descending: boolean } {
  const descending = sorting.startsWith("-");
  return { sort: sorting.slice(descending ? 1 : 0) as Exclude<T, `-${string}`>, descending };
}

/** A cursor names its order: one of another order would silently leave rows out. */
function readCursor(cursor: string | undefined, sorting: string): readonly Value[] | undefined {
  if (cursor === undefined) return undefined;
  const length = /client|policy|status/.test(sorting) ? 4 : 3;
  const [sort, ...key] = fromCursor(cursor, length);
  if (sort === sorting && key.every((value) => value !== null)) return key;
  throw new HubError("bad_request", "cursor: belongs to a list that is sorted otherwise; begin without one");
}

function nextOf(key: readonly Value[] | null, sorting: string): string | null {
  return key === null ? null : toCursor([sorting, ...key]);
}

function windowOf(since: string | undefined, until: string | undefined) {
  const ms = (moment: string | undefined) => (moment === undefined ? undefined : Date.parse(moment));
  return { since: ms(since), until: ms(until) };
}
