import type { Database } from "@sallyport/durable";

/** What a placeholder stands for. */
export type Value = string | number;

/** A part of a WHERE. */
export interface Condition {
  sql: string;
  values: readonly Value[];
}

/** One way to the rows: an index, what it is entered with, and the column by which the rows then come. */
export interface Path {
  index: string;
  where: Condition;
}

/** Which rows are wanted. */
export interface RowsRequest {
  table: string;
  /** The ways that lead to all rows wanted, none of them twice; by each the rows come in the order of `time`. */
  narrow: readonly Path[];
  /** The column that stands for the time, and its bounds, epoch ms: `from` belongs to it, `to` does not. */
  time: { column: string; from: number | undefined; to: number | undefined };
  /** The columns to sort by, and the index in whose order they are. */
  sort: { columns: readonly string[]; index: string };
  descending: boolean;
  /** What the rows have to fulfil beyond `narrow`. */
  filters: readonly Condition[];
  /** The key of the last row of the page before: the values of `sort.columns`, then the row's own number. */
  after: readonly Value[] | undefined;
  limit: number;
  /** Rows that are looked at at most; then the page ends early. */
  maxRows: number;
}

/** A row with its key. */
export interface KeyedRow {
  row: Record<string, unknown>;
  key: readonly Value[];
}

/** Some rows in order, and where to go on; null at the end. A page may be short, even empty, and have a next one. */
export interface RowsPage {
  rows: KeyedRow[];
  next: readonly Value[] | null;
}

/** How a page is read; as SQLite is asked. */
interface Query {
  sql: string;
  values: Value[];
}

const rowNumber = "row_number_";

/**
 * Reads pages of a large table without ever looking at more than `maxRows` rows for one page, so that no list, whatever it is
 * filtered by, makes the others wait: rows are read in the order of an index and filtered as they come; where they are
 * sorted by something else, and few enough, they are sorted.
 */
export class RowPages {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  read(request: RowsRequest): RowsPage {
    if (!isByTime(request) && this.#areFew(request)) {
      return toPage(this.#sorted(request), request.limit, null);
    }
    return merge(
      scansOf(request).map((scan) => this.#scan(request, scan)),
      request,
    );
  }

  /** How SQLite would go about it: the lines of EXPLAIN QUERY PLAN. */
  explain(request: RowsRequest): string[] {
    const few = !isByTime(request) && this.#areFew(request);
    const queries = few
      ? request.narrow.map((path) => sortedQuery(request, path))
      : scansOf(request).flatMap((scan) => [scanQuery(request, scan), lastQuery(request, scan)]);
    return queries.flatMap(({ sql, values }) => {
      const lines = this.#database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      return lines.map(({ detail }) => String(detail));
    });
  }

  /** Rows in the order of an index, filtered; and the key of the last one looked at when there may be more. */
  #scan(request: RowsRequest, scan: Scan): Scanned {
    const rows = this.#rows(scanQuery(request, scan), request);
    if (rows.length > request.limit) return { rows, cut: null };
    const { sql, values } = lastQuery(request, scan);
    const last = this.#database.prepare(sql).get(...values);
    return { rows, cut: last === undefined ? null : keyOf(last, request) };
  }

  #sorted(request: RowsRequest): KeyedRow[] {
    const found = request.narrow.flatMap((path) => this.#rows(sortedQuery(request, path), request));
    return request.narrow.length === 1 ? found : inOrder(found, request);
  }

  #rows({ sql, values }: Query, request: RowsRequest): KeyedRow[] {
    const rows = this.#database.prepare(sql).all(...values);
    return rows.map((row) => ({ row, key: keyOf(row, request) }));
  }

  #areFew(request: RowsRequest): boolean {
    let left = request.maxRows;
    for (const { index, where } of request.narrow) {
      const { sql, values } = all([where, ...timeBounds(request)]);
      const counted = this.#database
        .prepare(
          `SELECT count(*) AS count FROM (SELECT 1 FROM ${request.table} INDEXED BY ${index} WHERE ${sql} LIMIT ?)`,
        )
        .get(...values, left + 1);
      left -= Number(counted?.["count"]);
      if (left < 0) return false;
    }
    return true;
  }
}

/** Reading along an index. */
interface Scan {
  index: string;
  /** Where it begins and ends: nothing that the index does not know, since what it passes over is not counted. */
  within: readonly Condition[];
  filters: readonly Condition[];
}

interface Scanned {
  rows: KeyedRow[];
  cut: readonly Value[] | null;
}

function isByTime({ sort, time }: RowsRequest): boolean {
  return sort.columns.join() === time.column;
}

function scansOf(request: RowsRequest): Scan[] {
  const { narrow, filters, sort } = request;
  if (!isByTime(request)) {
    const beyondIndex = [...filters, ...timeBounds(request), ...either(narrow)];
    return [{ index: sort.index, within: beyond(request), filters: beyondIndex }];
  }
  return narrow.map(({ index, where }) => {
    return { index, within: [where, ...timeBounds(request), ...beyond(request)], filters };
  });
}

/** The rows of several ways in one order: as far as all of them were looked at. */
function merge(scans: readonly Scanned[], request: RowsRequest): RowsPage {
  const cuts = scans.map(({ cut }) => cut).filter((cut) => cut !== null);
  const [cut = null] = cuts.toSorted((left, right) => compareKeys(left, right, request.descending));
  const rows = inOrder(
    scans.flatMap((scan) => scan.rows),
    request,
  );
  const known =
    cut === null ? rows : rows.filter(({ key }) => compareKeys(key, cut, request.descending) <= 0);
  return toPage(known, request.limit, cut);
}

function toPage(rows: readonly KeyedRow[], limit: number, cut: readonly Value[] | null): RowsPage {
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.key ?? null) : cut };
}

function inOrder(rows: readonly KeyedRow[], { descending }: RowsRequest): KeyedRow[] {
  return rows.toSorted((left, right) => compareKeys(left.key, right.key, descending));
}

/** As SQLite orders them: by the bytes of UTF-8. */
function compareKeys(left: readonly Value[], right: readonly Value[], descending: boolean): number {
  for (const [index, a] of left.entries()) {
    const b = right[index] ?? 0;
    const order =
      typeof a === "number" && typeof b === "number"
        ? a - b
        : Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

function keyOf(row: Record<string, unknown>, { sort }: RowsRequest): Value[] {
  return [...sort.columns, rowNumber].map((name) => row[name] as Value);
}

function lookedAt(request: RowsRequest, { index, within }: Scan, columns: string): Query {
  const { sql, values } = all(within);
  return {
    sql: `SELECT ${columns} FROM ${request.table} INDEXED BY ${index} WHERE ${sql} ${orderOf(request)}`,
    values: [...values],
  };
}

function scanQuery(request: RowsRequest, scan: Scan): Query {
  const inner = lookedAt(request, scan, `rowid AS ${rowNumber}, *`);
  const filter = all(scan.filters);
  return {
    sql: `SELECT * FROM (${inner.sql} LIMIT ?) WHERE ${filter.sql} LIMIT ?`,
    values: [...inner.values, request.maxRows, ...filter.values, request.limit + 1],
  };
}

/** The key of the last row that `scanQuery` looks at; nothing when it comes to the end before. */
function lastQuery(request: RowsRequest, scan: Scan): Query {
  const columns = [`rowid AS ${rowNumber}`, ...request.sort.columns].join(", ");
  const { sql, values } = lookedAt(request, scan, columns);
  return { sql: `${sql} LIMIT 1 OFFSET ?`, values: [...values, request.maxRows - 1] };
}

function sortedQuery(request: RowsRequest, path: Path): Query {
  const { sql, values } = all([path.where, ...timeBounds(request), ...request.filters, ...beyond(request)]);
  const from = `${request.table} INDEXED BY ${path.index}`;
  return {
    sql: `SELECT rowid AS ${rowNumber}, * FROM ${from} WHERE ${sql} ${orderOf(request)} LIMIT ?`,
    values: [...values, request.limit + 1],
  };
}

function orderOf({ sort, descending }: RowsRequest): string {
  const direction = descending ? "DESC" : "ASC";
  return `ORDER BY ${[...sort.columns, "rowid"].map((name) => `${name} ${direction}`).join(", ")}`;
}

/** Without the bound that the end of the page before has passed: SQLite would begin at the bound. */
function timeBounds(request: RowsRequest): Condition[] {
  const { column, from, to } = request.time;
  const isPassed = (descends: boolean) =>
    isByTime(request) && request.after !== undefined && request.descending === descends;
  return [
    ...(from === undefined || isPassed(false) ? [] : [{ sql: `${column} >= ?`, values: [from] }]),
    ...(to === undefined || isPassed(true) ? [] : [{ sql: `${column} < ?`, values: [to] }]),
  ];
}

function beyond({ after, sort, descending }: RowsRequest): Condition[] {
  if (after === undefined) return [];
  const columns = [...sort.columns, "rowid"];
  const places = columns.map(() => "?").join(", ");
  return [{ sql: `(${columns.join(", ")}) ${descending ? "<" : ">"} (${places})`, values: after }];
}

/** All of the conditions. */
function all(conditions: readonly Condition[]): Condition {
  const parts = conditions.filter(({ sql }) => sql !== "");
  return {
    sql: parts.map(({ sql }) => sql).join(" AND ") || "TRUE",
    values: parts.flatMap(({ values }) => values),
  };
}

/** What one of the ways leads to. */
function either(paths: readonly Path[]): Condition[] {
  const parts = paths.map(({ where }) => where).filter(({ sql }) => sql !== "");
  if (parts.length === 0) return [];
  return [
    {
      sql: `(${parts.map(({ sql }) => `(${sql})`).join(" OR ")})`,
      values: parts.flatMap(({ values }) => values),
    },
  ];
}
