import type { Database } from "@sallyport/durable";
import type { BackupRow } from "./backups-view.ts";
import { equals } from "./fleet-filter.ts";
import type { Value } from "./row-pages.ts";

/** Which clients and policies are wanted. */
export interface BackupsAsked {
  /** Of these primaries. */
  ids: "all" | readonly string[];
  client?: string | undefined;
  policy?: string | undefined;
  /** Only those without a good backup since then, epoch ms. */
  withoutGoodSince?: number | undefined;
  /** Primary, client and policy of the last row of the page before. */
  after: readonly [string, string, string] | undefined;
  limit: number;
  /** Rows that are looked at at most; then the page ends early. */
  maxRows: number;
}

/** Some rows, and the key after which to go on; null at the end. */
export interface BackupsPage {
  rows: BackupRow[];
  next: [string, string, string] | null;
}

/** Reads one page of the table `backups` in the order of its key. */
export function readBackups(database: Database, asked: BackupsAsked): BackupsPage {
  const { ids, after = ["", "", ""], limit, maxRows, withoutGoodSince } = asked;
  const within = ["(primary_id, client, policy) > (?, ?, ?)"];
  const values: Value[] = [...after];
  if (ids !== "all") {
    within.push("primary_id IN (SELECT value FROM json_each(?))");
    // Those that the pages before have passed are not looked at again.
    values.push(JSON.stringify(ids.filter((id) => id >= after[0])));
  }
  const inner = `FROM backups WHERE ${within.join(" AND ")} ORDER BY primary_id, client, policy`;
  const filters = [...equals("client", asked.client), ...equals("policy", asked.policy)];
  if (withoutGoodSince !== undefined) {
    filters.push({ sql: "(good_ms IS NULL OR good_ms < ?)", values: [withoutGoodSince] });
  }
  const where = filters.map(({ sql }) => sql).join(" AND ") || "TRUE";
  const rows = database
    .prepare(`SELECT * FROM (SELECT * ${inner} LIMIT ?) WHERE ${where} LIMIT ?`)
    .all(...values, maxRows, ...filters.flatMap((filter) => filter.values), limit + 1);
  const found = rows as unknown as BackupRow[];
  const page = found.slice(0, limit);
  if (found.length > limit) return { rows: page, next: keyOf(page.at(-1)) };
  const last = database
    .prepare(`SELECT primary_id, client, policy ${inner} LIMIT 1 OFFSET ?`)
    .get(...values, maxRows - 1) as BackupRow | undefined;
  return { rows: page, next: keyOf(last) };
}

function keyOf(row: BackupRow | undefined): [string, string, string] | null {
  return row === undefined ? null : [row.primary_id, row.client, row.policy];
}
