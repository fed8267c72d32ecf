import type { Database } from "@sallyport/durable";
import { compileFilter, type FilterFields } from "../filter/filter.ts";
import { orderBy, parseSort, type SortKey } from "../filter/sort.ts";
import { linksOf, paginationOf, readPage, type QueryReader } from "./pagination.ts";

/** A table that is listed in pages by number of records. */
export interface OffsetListRequest {
  database: Database;
  /** SQL of our own: a table, with a condition perhaps. */
  from: string;
  fields: FilterFields;
  /** The order when none is asked for, and of what is left equal; unique. */
  order: SortKey;
  maxLimit: number;
  /** The request, whose parameters and URL these are. */
  asked: { query(name: string): string | undefined; url: string };
}

/** Reads one page of a table with `filter`, `sort` and `page[…]`. */
export function listByOffset(request: OffsetListRequest) {
  const { database, from, fields, asked } = request;
  const query: QueryReader = (name) => asked.query(name);
  const filter = compileFilter(query("filter"), fields);
  const keys = parseSort(query("sort"), fields, request.order);
  const page = readPage(query, request.maxLimit);
  const where = `${from}${from.includes(" WHERE ") ? " AND" : " WHERE"} ${filter.sql}`;
  const count = database.prepare(`SELECT count(*) AS n FROM ${where}`).get(...filter.values)?.["n"];
  const pagination = paginationOf(Number(count ?? 0), page);
  const rows = database
    .prepare(`SELECT * FROM ${where} ORDER BY ${orderBy(keys)} LIMIT ? OFFSET ?`)
    .all(...filter.values, page.limit, page.offset);
  return { rows, meta: { pagination }, links: linksOf(asked.url, pagination) };
}
