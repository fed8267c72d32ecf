import type { Database } from "@sallyport/durable";
import { limits } from "../limits.ts";
import type { Job, JobLogLine, JobProgress, JobType, LogSeverity, NewJob } from "./job.ts";
import type { JobState } from "./job-state.ts";

/** Conditions in SQL with their values, made by a filter; never from user text itself. */
export interface SqlCondition {
  sql: string;
  values: (string | number)[];
}

interface JobRow {
  [column: string]: string | number | null;
}

/** The jobs' table and their logs. It knows no rules: those are in `job-lifecycle.ts`. */
export class JobStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  insert(job: NewJob, nowMs: number): Job {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO jobs (type, state, client_name, policy_name, schedule_name, storage_unit, owner, request, queued_at_ms, updated_at_ms)
         VALUES (?, 'QUEUED', ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        job.type,
        job.clientName,
        job.policyName,
        job.scheduleName,
        job.storageUnit,
        job.owner,
        JSON.stringify(job.request),
        nowMs,
        nowMs,
      );
    return this.get(Number(lastInsertRowid));
  }

  /** @throws Error when there is no such job */
  get(id: number): Job {
    const job = this.find(id);
    if (job === undefined) throw new Error(`no job ${id}`);
    return job;
  }

  find(id: number): Job | undefined {
    const row = this.#database.prepare("SELECT * FROM jobs WHERE id = ?").get(id) as JobRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  hasBackupId(backupId: string): boolean {
    return this.#database.prepare("SELECT 1 FROM jobs WHERE backup_id = ?").get(backupId) !== undefined;
  }

  /** Jobs that are not DONE, oldest first. */
  listOpen(): Job[] {
    const rows = this.#database
      .prepare("SELECT * FROM jobs WHERE state <> 'DONE' ORDER BY id")
      .all() as JobRow[];
    return rows.map(fromRow);
  }

  count(where: SqlCondition): number {
    const row = this.#database
      .prepare(`SELECT count(*) AS n FROM jobs WHERE ${where.sql}`)
      .get(...where.values) as { n: number };
    return row.n;
  }

  /** A page of jobs by id. */
  list(where: SqlCondition, page: { newestFirst: boolean; limit: number; offset: number }): Job[] {
    const rows = this.#database
      .prepare(
        `SELECT * FROM jobs WHERE ${where.sql} ORDER BY id ${page.newestFirst ? "DESC" : "ASC"} LIMIT ? OFFSET ?`,
      )
      .all(...where.values, page.limit, page.offset) as JobRow[];
    return rows.map(fromRow);
  }

  setState(id: number, change: { state: JobState; status: number; nowMs: number }): void {
    this.#database
      .prepare("UPDATE jobs SET state = ?, status = ?, updated_at_ms = ? WHERE id = ?")
      .run(change.state, change.status, change.nowMs, id);
  }

  setStarted(id: number, nowMs: number, backupId: string | null): void {
    this.#database
      .prepare("UPDATE jobs SET started_at_ms = ?, backup_id = ? WHERE id = ?")
      .run(nowMs, backupId, id);
  }

  setEnded(id: number, nowMs: number, percentComplete: number): void {
    this.#database
      .prepare("UPDATE jobs SET ended_at_ms = ?, percent_complete = ?, current_file = '' WHERE id = ?")
      .run(nowMs, percentComplete, id);
  }

  setProcess(id: number, processId: number): void {
    this.#database.prepare("UPDATE jobs SET process_id = ? WHERE id = ?").run(processId, id);
  }

  setProgress(id: number, progress: JobProgress, nowMs: number): void {
    this.#database
      .prepare(
        `UPDATE jobs SET percent_complete = ?, kilobytes = ?, kilobytes_total = ?, files = ?, files_total = ?, current_file = ?, updated_at_ms = ? WHERE id = ?`,
      )
      .run(
        progress.percentComplete,
        progress.kilobytes,
        progress.kilobytesTotal,
        progress.files,
        progress.filesTotal,
        progress.currentFile,
        nowMs,
        id,
      );
  }

  /** Adds lines to a job's log, up to `maxJobLogLines`. */
  appendLog(id: number, lines: readonly JobLogLine[]): void {
    const { n } = this.#database
      .prepare("SELECT coalesce(max(line), 0) AS n FROM job_log WHERE job_id = ?")
      .get(id) as { n: number };
    const room = Math.max(0, limits.maxJobLogLines - n);
    const kept = lines.slice(0, room);
    const dropped = lines.length - kept.length;
    const insert = this.#database.prepare("INSERT INTO job_log VALUES (?, ?, ?, ?, ?)");
    for (const [index, line] of kept.entries()) {
      insert.run(id, n + index + 1, line.atMs, line.severity, line.message);
    }
    const last = lines.at(-1);
    // The last line tells how the job ended, so it has a place of its own.
    if (dropped > 0 && last !== undefined) {
      const place = Math.max(n, limits.maxJobLogLines) + 1;
      insert.run(id, place, last.atMs, last.severity, `(${dropped} lines left out) ${last.message}`);
    }
  }

  readLog(id: number): JobLogLine[] {
    const rows = this.#database
      .prepare("SELECT at_ms, severity, message FROM job_log WHERE job_id = ? ORDER BY line")
      .all(id) as { at_ms: number; severity: LogSeverity; message: string }[];
    return rows.map((row) => ({ atMs: row.at_ms, severity: row.severity, message: row.message }));
  }
}

function fromRow(row: JobRow): Job {
  const text = (column: string) => String(row[column] ?? "");
  const number = (column: string) => Number(row[column] ?? 0);
  const optional = (column: string) => (row[column] == null ? null : Number(row[column]));
  return {
    id: number("id"),
    type: text("type") as JobType,
    state: text("state") as JobState,
    status: number("status"),
    clientName: text("client_name"),
    policyName: text("policy_name"),
    scheduleName: text("schedule_name"),
    storageUnit: text("storage_unit"),
    owner: text("owner"),
    request: JSON.parse(text("request")) as unknown,
    backupId: row["backup_id"] == null ? null : text("backup_id"),
    queuedAtMs: number("queued_at_ms"),
    startedAtMs: optional("started_at_ms"),
    endedAtMs: optional("ended_at_ms"),
    updatedAtMs: number("updated_at_ms"),
    processId: number("process_id"),
    percentComplete: number("percent_complete"),
    kilobytes: number("kilobytes"),
    kilobytesTotal: number("kilobytes_total"),
    files: number("files"),
    filesTotal: number("files_total"),
    currentFile: text("current_file"),
  };
}
