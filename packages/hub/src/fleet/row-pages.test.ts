import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openDatabase, type Database } from "@sallyport/durable";
import { temporaryFolder } from "../testing/hub-fixture.ts";
import { imageSorts, imagesRequest } from "./images-request.ts";
import { ImagesView } from "./images-view.ts";
import { jobSorts, jobsRequest, type JobsAsked } from "./jobs-request.ts";
import { JobsView } from "./jobs-view.ts";
import { RowPages, type RowsRequest, type Value } from "./row-pages.ts";

/** A database of jobs and images; `fill` makes as many of both, all different but for what is asked for. */
async function openFilled(count: number) {
  const folder = await temporaryFolder();
  const database = openDatabase({
    path: `${folder.path}/views.sqlite`,
    migrations: [new JobsView().schema, new ImagesView().schema],
  });
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
  // Steps that have no common divisor with the counts, so that every combination occurs.
  database.connection.exec(`
    INSERT INTO jobs (primary_id, job_id, type, policy, policy_type, schedule, client, state, status, outcome,
      sort_ms, updated_ms, position, first_position, items)
    ${numbers} SELECT 'p' || (i * 7 % 30), i, iif(i % 11 = 0, 'RESTORE', 'BACKUP'), 'policy' || (i * 3 % 5), '', '',
      'client😀' || (i % 13), iif(i % 17 = 0, 'ACTIVE', 'DONE'), iif(i % 17 = 0, -1, i % 4),
      CASE WHEN i % 17 = 0 THEN 'active' WHEN i % 4 = 0 THEN 'ok' WHEN i % 4 = 1 THEN 'partial' ELSE 'failed' END,
      i * 37 % 101 * 1000, i, ${count} - i, ${count} - i, '[]' FROM n;
    INSERT INTO images (primary_id, backup_id, client, client_type, operation, deleted, local_copy, sort_ms,
      updated_ms, position, first_position, items)
    ${numbers} SELECT 'p' || (i * 7 % 30), i, 'client' || (i % 13), '', 'CREATE', i % 3 = 0, 1, i * 37 % 101 * 1000,
      i, ${count} - i, ${count} - i, '[]' FROM n;
    ANALYZE;`);
  return {
    database,
    async [Symbol.asyncDispose]() {
      database.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** All pages of a request; each of at most `limit` rows. */
function readAll(database: Database, request: Omit<RowsRequest, "after">): Value[] {
  const pages = new RowPages(database);
  const found: Value[] = [];
  let after: readonly Value[] | undefined;
  for (let page = 0; page < 10_000; page += 1) {
    const { rows, next } = pages.read({ ...request, after });
    assert.ok(rows.length <= request.limit);
    found.push(...rows.map(({ row }) => row["position"] as Value));
    if (next === null) return found;
    after = next;
  }
  throw new Error("the pages have no end");
}

/** The same by one plain query, without any index of ours. */
function readPlainly(database: Database, request: Omit<RowsRequest, "after">): Value[] {
  const { table, filters, narrow, sort, descending, time } = request;
  const ways = narrow.map(({ where }) => where.sql || "TRUE").join(" OR ");
  const conditions = [`(${ways || "FALSE"})`, ...filters.map(({ sql }) => sql)];
  const values = [...narrow.flatMap(({ where }) => where.values), ...filters.flatMap((one) => one.values)];
  conditions.push(`${time.column} >= ${time.from ?? 0}`, `${time.column} < ${time.to ?? 1e15}`);
  const order = [...sort.columns, "rowid"].map((name) => `${name} ${descending ? "DESC" : "ASC"}`);
  const sql = `SELECT position FROM ${table} NOT INDEXED WHERE ${conditions.join(" AND ")} ORDER BY ${order.join(", ")}`;
  return database
    .prepare(sql)
    .all(...values)
    .map(({ position }) => position as Value);
}

const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const ids = fc.constantFrom<"all" | string[]>(
  "all",
  [],
  ["p3"],
  ["p1", "p2", "p29", "none"],
  Array.from({ length: 25 }, (_, index) => `p${index}`),
);
const common = {
  ids,
  client: maybe("client😀3", "client3", "none"),
  since: maybe(20_000, 50_000),
  until: maybe(60_000, 50_000),
  descending: fc.boolean(),
  after: fc.constant(undefined),
  limit: fc.constantFrom(1, 3, 50),
  maxRows: fc.constantFrom(2, 40, 100_000),
};
const anyJobs: fc.Arbitrary<JobsAsked> = fc.record({
  ...common,
  state: maybe("ACTIVE", "DONE"),
  status: maybe<JobsAsked["status"]>("ok", "partial", "failed", 0, 1, 3),
  type: maybe("BACKUP", "RESTORE"),
  policy: maybe("policy2"),
  sort: fc.constantFrom(...(Object.keys(jobSorts) as (keyof typeof jobSorts)[])),
});
const anyImages = fc.record({
  ...common,
  withDeleted: fc.boolean(),
  sort: fc.constantFrom(...(Object.keys(imageSorts) as (keyof typeof imageSorts)[])),
});

test("lists - pages have each row that was asked for once, in order, however few rows are looked at for one", async () => {
  await using opened = await openFilled(400);
  const { database } = opened;
  const check = (request: RowsRequest) =>
    assert.deepEqual(readAll(database, request), readPlainly(database, request));
  fc.assert(
    fc.property(anyJobs, (asked) => check(jobsRequest(asked))),
    { numRuns: 400 },
  );
  fc.assert(
    fc.property(anyImages, (asked) => check(imagesRequest(asked))),
    { numRuns: 200 },
  );
});

test("lists - no combination of filters makes SQLite read a table or sort more than it may look at", async () => {
  await using opened = await openFilled(20_000);
  const pages = new RowPages(opened.database);
  const check = (request: RowsRequest) => {
    const key = request.sort.columns.map((name) => (/client|policy/.test(name) ? "client" : 5));
    for (const after of [undefined, [...key, 7]]) {
      const plan = pages.explain({ ...request, after });
      const reads = plan.filter((line) => new RegExp(`(SCAN|SEARCH) ${request.table}`).test(line));
      for (const line of reads) assert.match(line, /USING (COVERING )?INDEX/);
      // Sorted is only what was counted before.
      assert.ok(!plan.some((line) => /TEMP B-TREE/.test(line)), plan.join("\n"));
      // From the second page on, reading begins where the first has ended.
      const reach = after === undefined ? /./ : /SEARCH/;
      for (const line of reads) assert.match(line, reach);
    }
  };
  // So few that what is asked for is always more: what is fewer may be sorted.
  const many = { ids: "all", client: undefined, since: 20_000, until: 60_000, maxRows: 10 } as const;
  fc.assert(fc.property(anyJobs, (asked) => check(jobsRequest({ ...asked, ...many }))));
  fc.assert(fc.property(anyImages, (asked) => check(imagesRequest({ ...asked, ...many }))));
});
