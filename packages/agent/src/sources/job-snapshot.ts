import type { Database, Migration } from "@sallyport/durable";
import type { KnownJob, WireState } from "./job-changes.ts";

const migrations: readonly Migration[] = [
  `CREATE TABLE polled_job (
     job_id INTEGER PRIMARY KEY,
     state TEXT NOT NULL,
     status INTEGER NOT NULL,
     ended_at_ms INTEGER,
     attempt INTEGER NOT NULL,
     updated_at_ms INTEGER NOT NULL,
     seen_in INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX polled_job_open ON polled_job (seen_in) WHERE state <> 'DONE';
   CREATE INDEX polled_job_done ON polled_job (updated_at_ms) WHERE state = 'DONE'`,
];

/** What is remembered of the upstream's jobs. */
export class JobSnapshot {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("polled-jobs", migrations);
  }

  /** Those of these jobs that are known. */
  find(jobIds: readonly number[]): Map<number, KnownJob> {
    const one = this.#database.prepare("SELECT * FROM polled_job WHERE job_id = ?");
    const rows = jobIds.map((jobId) => one.get(jobId)).filter((row) => row !== undefined);
    return new Map(rows.map((row) => [Number(row["job_id"]), jobOf(row)]));
  }

  /** Remembers jobs as they were seen in a reading. */
  put(jobs: readonly KnownJob[], reading: number): void {
    const insert = this.#database.prepare("INSERT OR REPLACE INTO polled_job VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const { jobId, state, status, endedAtMs, attempt, updatedAtMs } of jobs) {
      insert.run(jobId, state, status, endedAtMs ?? null, attempt, updatedAtMs, reading);
    }
  }

  /** Jobs that are not DONE and were seen last before a reading; the ones that were longest not seen first. */
  openUnseenSince(reading: number, limit: number): number[] {
    const rows = this.#database
      .prepare(
        "SELECT job_id FROM polled_job WHERE state <> 'DONE' AND seen_in < ? ORDER BY seen_in, job_id LIMIT ?",
      )
      .all(reading, limit);
    return rows.map((row) => Number(row["job_id"]));
  }

  forget(jobId: number): void {
    this.#database.prepare("DELETE FROM polled_job WHERE job_id = ?").run(jobId);
  }

  /** Forgets all: the upstream is another one. */
  clear(): void {
    this.#database.connection.exec("DELETE FROM polled_job");
  }

  /** Forgets jobs that were DONE before a time, and, beyond `max` jobs, the ones that were DONE first. */
  prune(doneBeforeMs: number, max: number): void {
    this.#database
      .prepare("DELETE FROM polled_job WHERE state = 'DONE' AND updated_at_ms < ?")
      .run(doneBeforeMs);
    const excess = this.size - max;
    if (excess <= 0) return;
    this.#database
      .prepare(
        `DELETE FROM polled_job WHERE job_id IN
           (SELECT job_id FROM polled_job ORDER BY state <> 'DONE', updated_at_ms LIMIT ?)`,
      )
      .run(excess);
  }

  /** How many jobs are remembered. */
  get size(): number {
    return Number(this.#database.prepare("SELECT count(*) AS n FROM polled_job").get()?.["n"]);
  }
}

function jobOf(row: Record<string, unknown>): KnownJob {
  return {
    jobId: Number(row["job_id"]),
    state: String(row["state"]) as WireState,
    status: Number(row["status"]),
    endedAtMs: row["ended_at_ms"] === null ? undefined : Number(row["ended_at_ms"]),
    attempt: Number(row["attempt"]),
    updatedAtMs: Number(row["updated_at_ms"]),
  };
}
