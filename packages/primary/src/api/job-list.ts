import { PrimaryError } from "../errors.ts";
import { compileFilter, type FilterFields } from "../filter/filter.ts";
import { isAfter, orderBy, parseSort, reversed, type SortKey, type SortValue } from "../filter/sort.ts";
import type { JobStore, SqlCondition } from "../jobs/job-store.ts";
import type { Job } from "../jobs/job.ts";
import { limits } from "../limits.ts";
import { newestJobFirst } from "./job-fields.ts";
import { linksOf, linkTo, paginationOf, readPage, type QueryReader } from "./pagination.ts";

/** What a list of jobs is asked for. */
export interface JobListRequest {
  jobs: JobStore;
  fields: FilterFields;
  query: QueryReader;
  url: string;
}

/** One page of jobs, each with its place in the order. */
export interface JobPage {
  page: { job: Job; cursor: string }[];
  meta: object;
  links: object;
}

/** Pages by number of records, as before version 9.0. */
export function listJobsByOffset({ jobs, fields, query, url }: JobListRequest): JobPage {
  const filter = compileFilter(query("filter"), fields);
  const keys = parseSort(query("sort"), fields, newestJobFirst);
  const page = readPage(query, limits.maxPageItems);
  const pagination = paginationOf(jobs.count(filter), page);
  const found = jobs.list(filter, { orderBy: orderBy(keys), ...page });
  return {
    page: found.map(({ job }) => ({ job, cursor: "" })),
    meta: { pagination },
    links: linksOf(url, pagination),
  };
}

/** Pages by cursor: jobs that start or end meanwhile don't move them. */
export function listJobsByCursor({ jobs, fields, query, url }: JobListRequest): JobPage {
  const filter = compileFilter(query("filter"), fields);
  const keys = parseSort(query("sort"), fields, newestJobFirst);
  // Documented from 0 on: a page of nothing tells whether there is anything.
  const { limit } = readPage(query, limits.maxPageItems, { least: 0 });
  const [after, before] = [query("page[after]") ?? "", query("page[before]") ?? ""];
  if (after !== "" && before !== "") {
    throw new PrimaryError("invalid_request", "page[after] and page[before] exclude each other");
  }
  const isBackward = before !== "";
  const hasCursor = after !== "" || isBackward;
  const order = isBackward ? reversed(keys) : keys;
  const where = hasCursor ? both(filter, isAfter(order, readCursor(after || before, keys))) : filter;
  const values = isById(keys) ? [] : keys.map(({ sql }) => sql);
  const found = jobs.list(where, { orderBy: orderBy(order), limit: limit + 1, offset: 0, values });
  const hasMore = found.length > limit;
  const page = found.slice(0, limit).map((one) => ({ job: one.job, cursor: writeCursor(one) }));
  if (isBackward) page.reverse();
  const next = (isBackward ? true : hasMore) ? page.at(-1)?.cursor : undefined;
  const prev = (isBackward ? hasMore : hasCursor) ? page.at(0)?.cursor : undefined;
  const none = { "page[after]": undefined, "page[before]": undefined };
  return {
    page,
    meta: {
      pagination: {
        limit,
        ...(next === undefined ? {} : { next }),
        ...(prev === undefined ? {} : { prev }),
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

function both(left: SqlCondition, right: SqlCondition): SqlCondition {
  return { sql: `(${left.sql}) AND ${right.sql}`, values: [...left.values, ...right.values] };
}

function isById(keys: readonly SortKey[]): boolean {
  return keys.length === 1;
}

/** The job's id in the usual order; in another the values that it is ordered by. */
function writeCursor({ job, values }: { job: Job; values: readonly SortValue[] }): string {
  if (values.length === 0) return String(job.id);
  return Buffer.from(JSON.stringify(values)).toString("base64url");
}

function readCursor(cursor: string, keys: readonly SortKey[]): SortValue[] {
  const values = isById(keys) ? readId(cursor) : readValues(cursor);
  if (values?.length === keys.length) return values;
  throw new PrimaryError(
    "invalid_request",
    "the cursor is not one of this list and order: take it from meta.pagination",
    {
      attributeErrors: { page: `not "${cursor.slice(0, 80)}"` },
    },
  );
}

function readId(cursor: string): SortValue[] | undefined {
  return /^\d{1,15}$/.test(cursor) ? [Number(cursor)] : undefined;
}

function readValues(cursor: string): SortValue[] | undefined {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    const isValue = (value: unknown): value is SortValue =>
      typeof value === "string" || typeof value === "number";
    return Array.isArray(values) && values.every(isValue) ? values : undefined;
  } catch {
    // Made up or cut: refused like any other that is not ours.
    return undefined;
  }
}
