import type { Database } from "@sallyport/durable";
import { JobLog } from "./job-log.ts";
import { jobFromRow, type JobRow } from "./job-row.ts";
import type { JobState } from "./job-state.ts";
import type { Job, JobProgress, NewJob } from "./job.ts";

/** What a backup that has made its image ends with: whole, in part, and with an end command that failed. */
const statusesWithImage: ReadonlySet<number> = new Set([0, 1, 75, 77]);

/** Conditions in SQL with their values, made by a filter; never from user text itself. */
export interface SqlCondition {
  sql: string;
  values: (string | number)[];
}

/** The children of a job. */
export interface ChildCounts {
  all: number;
  failed: number;
  /** Those that wait or run. */
  suspendable: number;
  suspended: number;
}

/** The jobs' table. It knows no rules: those are in `job-lifecycle.ts`. */
export class JobStore {
  readonly log: JobLog;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.log = new JobLog(database);
  }

  insert(job: NewJob, nowMs: number): Job {
    const columns: Record<string, string | number | null> = {
      type: job.type,
      state: "QUEUED",
      client_name: job.clientName,
      policy_name: job.policyName,
      policy_type: job.policyType ?? "Standard",
      schedule_name: job.scheduleName,
      storage_unit: job.storageUnit,
      owner: job.owner,
      request: JSON.stringify(job.request),
      queued_at_ms: nowMs,
      updated_at_ms: nowMs,
      parent_id: job.parentId ?? 0,
      stream_number: job.streamNumber ?? 0,
      restart_of: job.restartOf ?? 0,
      sub_type: job.subType ?? "IMMEDIATE",
      schedule_type: job.scheduleType ?? "FULL_BACKUP",
      priority: job.priority ?? 0,
      max_tries: job.maxTries ?? 1,
      job_limit: job.jobLimit ?? 0,
      window_end_ms: job.windowEndMs ?? null,
    };
    const names = Object.keys(columns);
    const { lastInsertRowid } = this.#database
      .prepare(`INSERT INTO jobs (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
      .run(...Object.values(columns));
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
    return row === undefined ? undefined : jobFromRow(row);
  }

  /** Whether there is a job that makes this image, of one storage unit or of any. */
  hasBackupId(backupId: string, storageUnit?: string): boolean {
    const row = this.#database.prepare("SELECT storage_unit FROM jobs WHERE backup_id = ?").get(backupId);
    return row !== undefined && (storageUnit === undefined || row["storage_unit"] === storageUnit);
  }

  /** Whether a job of a storage unit was to make that image and has not: it failed, or has not ended. */
  hasMadeNoImage(backupId: string, storageUnit: string): boolean {
    const row = this.#database
      .prepare("SELECT storage_unit, state, status FROM jobs WHERE backup_id = ?")
      .get(backupId);
    if (row === undefined || row["storage_unit"] !== storageUnit) return false;
    return row["state"] !== "DONE" || !statusesWithImage.has(Number(row["status"]));
  }

  /** Jobs that are not DONE: children before their parents, otherwise oldest first. */
  listOpen(): Job[] {
    const rows = this.#database
      .prepare("SELECT * FROM jobs WHERE state <> 'DONE' ORDER BY parent_id = 0, id")
      .all() as JobRow[];
    return rows.map(jobFromRow);
  }

  /** How many children a job has, and what could be done to them. */
  countChildren(id: number): ChildCounts {
    const row = this.#database
      .prepare(
        `SELECT count(*) AS n, count(*) FILTER (WHERE state = 'DONE' AND status > 1) AS failed,
         count(*) FILTER (WHERE state IN ('QUEUED', 'ACTIVE', 'REQUEUED')) AS suspendable,
         count(*) FILTER (WHERE state = 'SUSPENDED') AS suspended FROM jobs WHERE parent_id = ? AND parent_id > 0`,
      )
      .get(id);
    const read = (name: string) => Number(row?.[name] ?? 0);
    return {
      all: read("n"),
      failed: read("failed"),
      suspendable: read("suspendable"),
      suspended: read("suspended"),
    };
  }

  /** Whether a child of a job is not DONE. */
  hasOpenChild(id: number): boolean {
    return this.count({ sql: "parent_id = ? AND parent_id > 0 AND state <> 'DONE'", values: [id] }) > 0;
  }

  /** How far the children of a job have come together; the percentage is their mean. */
  sumChildren(id: number): JobProgress {
    const row = this.#database
      .prepare(
        `SELECT avg(CASE WHEN state = 'DONE' THEN 100 ELSE percent_complete END) AS percent, sum(kilobytes) AS kilobytes,
         sum(max(kilobytes, kilobytes_total)) AS kilobytes_total, sum(files) AS files, sum(max(files, files_total)) AS files_total,
         max(current_file) AS current_file FROM jobs WHERE parent_id = ? AND parent_id > 0`,
      )
      .get(id);
    const read = (name: string) => Number(row?.[name] ?? 0);
    return {
      percentComplete: Math.min(99, Math.floor(read("percent"))),
      kilobytes: read("kilobytes"),
      kilobytesTotal: read("kilobytes_total"),
      files: read("files"),
      filesTotal: read("files_total"),
      currentFile: String(row?.["current_file"] ?? ""),
    };
  }

  /** The children of a job, oldest first. */
  listChildren(id: number): Job[] {
    const rows = this.#database
      .prepare("SELECT * FROM jobs WHERE parent_id = ? AND parent_id > 0 ORDER BY id")
      .all(id) as JobRow[];
    return rows.map(jobFromRow);
  }

  /** The newest job that was made from another by a restart. */
  findRestartOf(id: number): Job | undefined {
    const row = this.#database
      .prepare("SELECT * FROM jobs WHERE restart_of = ? AND restart_of > 0 ORDER BY id DESC LIMIT 1")
      .get(id) as JobRow | undefined;
    return row === undefined ? undefined : jobFromRow(row);
  }

  count(where: SqlCondition): number {
    const row = this.#database
      .prepared(`SELECT count(*) AS n FROM jobs WHERE ${where.sql}`)
      .get(...where.values) as { n: number };
    return row.n;
  }

  /** A page of jobs in an order that is SQL of our own, each with the values of further expressions of our own. */
  list(
    where: SqlCondition,
    page: { orderBy: string; limit: number; offset: number; values?: readonly string[] },
  ): { job: Job; values: (string | number)[] }[] {
    const { values = [] } = page;
    const columns = ["*", ...values.map((sql, at) => `${sql} AS k${at}`)].join(", ");
    const rows = this.#database
      .prepared(`SELECT ${columns} FROM jobs WHERE ${where.sql} ORDER BY ${page.orderBy} LIMIT ? OFFSET ?`)
      .all(...where.values, page.limit, page.offset) as JobRow[];
    return rows.map((row) => ({ job: jobFromRow(row), values: values.map((_, at) => row[`k${at}`] ?? "") }));
  }

  setState(id: number, change: { state: JobState; status: number; nowMs: number }): void {
    this.#database
      .prepare("UPDATE jobs SET state = ?, status = ?, updated_at_ms = ? WHERE id = ?")
      .run(change.state, change.status, change.nowMs, id);
  }

  /** Begins a try: the job's start stays that of the first. */
  setStarted(id: number, nowMs: number, backupId: string | null): void {
    this.#database
      .prepare(
        `UPDATE jobs SET started_at_ms = coalesce(started_at_ms, ?), try_started_at_ms = ?, backup_id = ?, try = try + 1,
         due_at_ms = NULL, process_id = 0, percent_complete = 0, kilobytes = 0, files = 0 WHERE id = ?`,
      )
      .run(nowMs, nowMs, backupId, id);
    this.log.beginTry(id, this.get(id).tries, nowMs);
  }

  setPriority(id: number, priority: number, nowMs: number): void {
    this.#database
      .prepare("UPDATE jobs SET priority = ?, updated_at_ms = ? WHERE id = ?")
      .run(priority, nowMs, id);
  }

  setDue(id: number, dueAtMs: number | null): void {
    this.#database.prepare("UPDATE jobs SET due_at_ms = ? WHERE id = ?").run(dueAtMs, id);
  }

  setEnded(id: number, nowMs: number, percentComplete: number): void {
    this.#database
      .prepare("UPDATE jobs SET ended_at_ms = ?, percent_complete = ?, current_file = '' WHERE id = ?")
      .run(nowMs, percentComplete, id);
  }

  setProcess(id: number, processId: number): void {
    this.#database.prepare("UPDATE jobs SET process_id = ? WHERE id = ?").run(processId, id);
  }

  /** Sets what is only looked at: it need not survive a power cut by itself. */
  setProgress(id: number, progress: JobProgress, nowMs: number): void {
    const update = this.#database.prepared(
      `UPDATE jobs SET percent_complete = ?, kilobytes = ?, kilobytes_total = ?, files = ?, files_total = ?, current_file = ?, updated_at_ms = ? WHERE id = ?`,
    );
    this.#database.transactionWithoutSync(() =>
      update.run(
        progress.percentComplete,
        progress.kilobytes,
        progress.kilobytesTotal,
        progress.files,
        progress.filesTotal,
        progress.currentFile,
        nowMs,
        id,
      ),
    );
  }

  /** Removes a job with its log. */
  delete(id: number): void {
    this.#database.prepare("DELETE FROM jobs WHERE id = ?").run(id);
  }
}
