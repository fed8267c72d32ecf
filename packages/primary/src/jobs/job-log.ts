import type { Database } from "@sallyport/durable";
import { limits } from "../limits.ts";
import type { JobLogLine, JobTry, LogSeverity } from "./job.ts";

/** The logs of jobs and the tries that they belong to. */
export class JobLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Begins a try, from 1. */
  beginTry(id: number, number: number, startedAtMs: number): void {
    this.#database
      .prepare("INSERT INTO job_tries (job_id, try, started_at_ms) VALUES (?, ?, ?)")
      .run(id, number, startedAtMs);
  }

  /** Ends the try that a job is in, with what the job's row holds of it. */
  endTry(id: number, status: number, endedAtMs: number): void {
    this.#database
      .prepare(
        `UPDATE job_tries SET ended_at_ms = ?, status = ?, process_id = jobs.process_id, kilobytes = jobs.kilobytes, files = jobs.files
         FROM jobs WHERE jobs.id = job_tries.job_id AND job_tries.job_id = ? AND job_tries.try = jobs.try AND job_tries.ended_at_ms IS NULL`,
      )
      .run(endedAtMs, status, id);
  }

  /** The tries of a job, oldest first; none before it has begun. */
  tries(id: number): JobTry[] {
    const rows = this.#database.prepare("SELECT * FROM job_tries WHERE job_id = ? ORDER BY try").all(id);
    return rows.map((row) => ({
      number: Number(row["try"]),
      startedAtMs: Number(row["started_at_ms"]),
      endedAtMs: row["ended_at_ms"] == null ? null : Number(row["ended_at_ms"]),
      status: Number(row["status"]),
      processId: Number(row["process_id"]),
      kilobytes: Number(row["kilobytes"]),
      files: Number(row["files"]),
    }));
  }

  /** Adds lines to a job's log, up to `maxJobLogLines`. */
  append(id: number, lines: readonly JobLogLine[]): void {
    const { n, number } = this.#database
      .prepare(
        "SELECT coalesce((SELECT max(line) FROM job_log WHERE job_id = ?), 0) AS n, coalesce((SELECT max(try, 1) FROM jobs WHERE id = ?), 1) AS number",
      )
      .get(id, id) as { n: number; number: number };
    const room = Math.max(0, limits.maxJobLogLines - n);
    const kept = lines.slice(0, room);
    const dropped = lines.length - kept.length;
    const insert = this.#database.prepare(
      "INSERT INTO job_log (job_id, line, at_ms, severity, message, try) VALUES (?, ?, ?, ?, ?, ?)",
    );
    for (const [index, line] of kept.entries()) {
      insert.run(id, n + index + 1, line.atMs, line.severity, line.message, number);
    }
    const last = lines.at(-1);
    // The last line tells how the job ended, so it has a place of its own.
    if (dropped > 0 && last !== undefined) {
      const place = Math.max(n, limits.maxJobLogLines) + 1;
      insert.run(id, place, last.atMs, last.severity, `(${dropped} lines left out) ${last.message}`, number);
    }
  }

  /** The lines of a job's log, of one try or all. */
  read(id: number, number?: number): JobLogLine[] {
    const where = number === undefined ? "" : " AND try = ?";
    const rows = this.#database
      .prepare(`SELECT at_ms, severity, message FROM job_log WHERE job_id = ?${where} ORDER BY line`)
      .all(...(number === undefined ? [id] : [id, number])) as {
      at_ms: number;
      severity: LogSeverity;
      message: string;
    }[];
    return rows.map((row) => ({ atMs: row.at_ms, severity: row.severity, message: row.message }));
  }
}
