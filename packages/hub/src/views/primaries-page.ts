import type { Scope } from "../access/roles.ts";

/** By what a list of primaries is sorted. */
export type PrimariesSort = "name" | "createdAt" | "lastSeenAt";

/** How a connected primary stands at this moment; the log does not know it. */
export type LivePrimary = readonly [id: string, state: "connected" | "stale", lastSeenAt: string];

/** Which primaries, and in which order. */
export interface PrimariesPageQuery {
  /** What the caller may see. */
  scope: Scope;
  /** A part of the name, in any case. */
  q?: string | undefined;
  labels: readonly (readonly [name: string, value: string])[];
  state?: "connected" | "stale" | "disconnected" | "never" | undefined;
  live: readonly LivePrimary[];
  sort: PrimariesSort;
  descending: boolean;
  /** Sort key and id of the last one of the page before. */
  after?: readonly [sortKey: string, id: string] | undefined;
  /** One more is read, to know whether there are more. */
  limit: number;
}

const sortKeys: Record<PrimariesSort, string> = {
  name: "p.name COLLATE NOCASE",
  createdAt: "p.created_at",
  lastSeenAt: "COALESCE(live.seen, p.last_seen_at)",
};

/** The SQL of one page. What is live comes in as a table beside that of the log, so that it can be filtered and sorted by too. */
export function pageSelect(query: PrimariesPageQuery): { sql: string; values: (string | number)[] } {
  const key = sortKeys[query.sort];
  const needsLive = query.state !== undefined || query.sort === "lastSeenAt";
  const conditions: string[] = [];
  const values: (string | number)[] = needsLive ? [JSON.stringify(query.live)] : [];
  const where = (condition: string, ...more: (string | number)[]) => {
    conditions.push(condition);
    values.push(...more);
  };
  const hasLabel = "EXISTS (SELECT 1 FROM json_each(p.labels) WHERE key = ? AND value = ?)";
  if (query.scope.kind === "labels") {
    for (const [name, value] of Object.entries(query.scope.labels)) where(hasLabel, name, value);
  }
  if (query.scope.kind === "primaries") {
    where("p.id IN (SELECT value FROM json_each(?))", JSON.stringify(query.scope.ids));
  }
  for (const [name, value] of query.labels) where(hasLabel, name, value);
  if (query.q !== undefined) where("instr(lower(p.name), lower(?)) > 0", query.q);
  if (query.state === "connected" || query.state === "stale") where("live.state = ?", query.state);
  if (query.state === "disconnected") where("live.id IS NULL AND p.last_connection IS NOT NULL");
  if (query.state === "never") where("live.id IS NULL AND p.last_connection IS NULL");
  const direction = query.descending ? "DESC" : "ASC";
  if (query.after !== undefined)
    where(`(${key}, p.id) ${query.descending ? "<" : ">"} (?, ?)`, ...query.after);
  const sql = `${
    needsLive
      ? `WITH live AS MATERIALIZED (SELECT value ->> 0 AS id, value ->> 1 AS state, value ->> 2 AS seen FROM json_each(?))`
      : ""
  }
    SELECT p.*, ${key} AS sort_key FROM primaries AS p ${needsLive ? "LEFT JOIN live ON live.id = p.id" : ""}
    ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
    ORDER BY ${key} ${direction}, p.id ${direction} LIMIT ?`;
  return { sql, values: [...values, query.limit + 1] };
}
