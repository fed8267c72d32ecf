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

/** Which primaries are counted. */
export type PrimariesCountQuery = Pick<PrimariesPageQuery, "scope" | "q" | "labels" | "live">;

/** What is live, as a table beside that of the log, so that it can be filtered, sorted and counted by too. */
const liveTable =
  "WITH live AS MATERIALIZED (SELECT value ->> 0 AS id, value ->> 1 AS state, value ->> 2 AS seen FROM json_each(?))";

/** The SQL of one page. */
export function pageSelect(query: PrimariesPageQuery): { sql: string; values: (string | number)[] } {
  const key = sortKeys[query.sort];
  const needsLive = query.state !== undefined || query.sort === "lastSeenAt";
  const { conditions, values, where } = chosen(query);
  if (query.state === "connected" || query.state === "stale") where("live.state = ?", query.state);
  if (query.state === "disconnected") where("live.id IS NULL AND p.last_connection IS NOT NULL");
  if (query.state === "never") where("live.id IS NULL AND p.last_connection IS NULL");
  const direction = query.descending ? "DESC" : "ASC";
  if (query.after !== undefined)
    where(`(${key}, p.id) ${query.descending ? "<" : ">"} (?, ?)`, ...query.after);
  const sql = `${needsLive ? liveTable : ""}
    SELECT p.*, ${key} AS sort_key FROM primaries AS p ${needsLive ? "LEFT JOIN live ON live.id = p.id" : ""}
    ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
    ORDER BY ${key} ${direction}, p.id ${direction} LIMIT ?`;
  return { sql, values: [...(needsLive ? [JSON.stringify(query.live)] : []), ...values, query.limit + 1] };
}

/** The SQL that counts them by the state of their connection: rows of `state` and `count`. */
export function countSelect(query: PrimariesCountQuery): { sql: string; values: (string | number)[] } {
  const { conditions, values } = chosen(query);
  const sql = `${liveTable}
    SELECT COALESCE(live.state, CASE WHEN p.last_connection IS NULL THEN 'never' ELSE 'disconnected' END) AS state,
      COUNT(*) AS count
    FROM primaries AS p LEFT JOIN live ON live.id = p.id
    ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`} GROUP BY 1`;
  return { sql, values: [JSON.stringify(query.live), ...values] };
}

/** The conditions of what the caller may see and asks for, with their values; more may be added. */
function chosen({ scope, labels, q }: Pick<PrimariesPageQuery, "scope" | "labels" | "q">) {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const where = (condition: string, ...more: (string | number)[]) => {
    conditions.push(condition);
    values.push(...more);
  };
  const hasLabel = "EXISTS (SELECT 1 FROM json_each(p.labels) WHERE key = ? AND value = ?)";
  if (scope.kind === "labels") {
    for (const [name, value] of Object.entries(scope.labels)) where(hasLabel, name, value);
  }
  if (scope.kind === "primaries") {
    where("p.id IN (SELECT value FROM json_each(?))", JSON.stringify(scope.ids));
  }
  for (const [name, value] of labels) where(hasLabel, name, value);
  if (q !== undefined) where("instr(lower(p.name), lower(?)) > 0", q);
  return { conditions, values, where };
}
