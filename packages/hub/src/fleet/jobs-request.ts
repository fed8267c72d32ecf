import { equals, ofPrimaries, pathsOf } from "./fleet-filter.ts";
import type { Condition, Path, RowsRequest, Value } from "./row-pages.ts";

/** Which jobs are wanted. */
export interface JobsAsked {
  /** Of these primaries. */
  ids: "all" | readonly string[];
  state?: string | undefined;
  status?: "ok" | "partial" | "failed" | number | undefined;
  type?: string | undefined;
  policy?: string | undefined;
  client?: string | undefined;
  /** By start, epoch ms. */
  since: number | undefined;
  until: number | undefined;
  sort: keyof typeof jobSorts;
  descending: boolean;
  after: readonly Value[] | undefined;
  limit: number;
  maxRows: number;
}

/** What jobs can be sorted by. */
export const jobSorts = {
  startTime: { columns: ["sort_ms"], index: "jobs_by_start" },
  updatedAt: { columns: ["position"], index: "jobs_by_position" },
  client: { columns: ["client", "sort_ms"], index: "jobs_by_client" },
  policy: { columns: ["policy", "sort_ms"], index: "jobs_by_policy" },
  status: { columns: ["status", "sort_ms"], index: "jobs_by_status" },
} as const;

/** How to find them. */
export function jobsRequest(asked: JobsAsked): RowsRequest {
  const { sort, descending, after, limit, maxRows, since, until } = asked;
  return {
    table: "jobs",
    narrow: narrowest(asked),
    time: { column: "sort_ms", from: since, to: until },
    sort: jobSorts[sort],
    descending,
    filters: [
      ...ofPrimaries(asked.ids),
      ...equals("state", asked.state),
      ...ofStatus(asked.status),
      ...equals("type", asked.type),
      ...equals("policy", asked.policy),
      ...equals("client", asked.client),
    ],
    after,
    limit,
    maxRows,
  };
}

/** The index that leads past the fewest jobs; a client is mostly one primary's, a policy's name may be everybody's. */
function narrowest({ ids, client, status, state, policy }: JobsAsked): Path[] {
  if (client !== undefined) return [path("jobs_by_client", "client = ?", client)];
  const separate = pathsOf(ids, "jobs_by_primary");
  if (separate !== undefined) return separate;
  if (status === "failed") return [path("jobs_failed", "outcome = 'failed'")];
  if (status === "partial") return [path("jobs_by_status", "status = ?", 1)];
  if (typeof status === "number" && status > 0) return [path("jobs_by_status", "status = ?", status)];
  if (state !== undefined && state !== "DONE")
    return [path("jobs_open", "state = ? AND state <> 'DONE'", state)];
  if (policy !== undefined) return [path("jobs_by_policy", "policy = ?", policy)];
  return [path("jobs_by_start", "")];
}

function path(index: string, sql: string, ...values: Value[]): Path {
  return { index, where: { sql, values } };
}

function ofStatus(status: JobsAsked["status"]): Condition[] {
  if (typeof status === "number") return equals("status", status);
  return equals("outcome", status);
}
