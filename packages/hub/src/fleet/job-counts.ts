import type { Database } from "@sallyport/durable";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Outcome } from "./job-history.ts";

/** Jobs that are counted before others have their turn: some milliseconds. */
const rowsPerStep = 5_000;

/** How many jobs of each outcome. */
export type OutcomeCounts = Record<Outcome, number>;
/** The same for each primary that has any. */
export type JobCounts = Map<string, OutcomeCounts>;

/** No jobs. */
export function noJobs(): OutcomeCounts {
  return { queued: 0, active: 0, ok: 0, partial: 0, failed: 0 };
}

/** Makes what counts jobs by start within [fromMs, toMs). */
export function jobCounter(database: Database) {
  const from = "FROM jobs INDEXED BY jobs_by_start WHERE (sort_ms, rowid) > (?, ?) AND sort_ms < ?";
  const order = "ORDER BY sort_ms, rowid LIMIT";
  const ofThese = "primary_id IN (SELECT value FROM json_each(?))";
  const count = (filter: string) =>
    database.prepare(
      `SELECT primary_id, outcome, count(*) AS count FROM
       (SELECT primary_id, outcome ${from} ${order} ${rowsPerStep}) WHERE ${filter} GROUP BY primary_id, outcome`,
    );
  const countAll = count("TRUE");
  const countThese = count(ofThese);
  const last = database.prepare(`SELECT sort_ms, rowid AS row ${from} ${order} 1 OFFSET ${rowsPerStep - 1}`);
  return async (ids: "all" | readonly string[], fromMs: number, toMs: number): Promise<JobCounts> => {
    const counts: JobCounts = new Map();
    let after: [number, number] | undefined = [fromMs, 0];
    while (after !== undefined) {
      const rows: Record<string, unknown>[] =
        ids === "all" ? countAll.all(...after, toMs) : countThese.all(...after, toMs, JSON.stringify(ids));
      for (const { primary_id: id, outcome, count: more } of rows)
        add(counts, String(id), outcome as Outcome, Number(more));
      const end: Record<string, unknown> | undefined = last.get(...after, toMs);
      after = end === undefined ? undefined : [Number(end["sort_ms"]), Number(end["row"])];
      await nextTurn();
    }
    return counts;
  };
}

function add(counts: JobCounts, id: string, outcome: Outcome, more: number): void {
  const found = counts.get(id) ?? noJobs();
  found[outcome] += more;
  counts.set(id, found);
}
