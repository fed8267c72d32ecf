import type { Database } from "@sallyport/durable";
import type { KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "../views/views.ts";
import { jobCounter, type JobCounts } from "./job-counts.ts";
import { RowPages } from "./row-pages.ts";
import { notificationsGoneBefore, primaryOf } from "./item-members.ts";
import {
  addJobItem,
  currentJob,
  decodeJobItems,
  encodeJobItems,
  toJobItem,
  type CurrentJob,
  type JobDetail,
  type JobItem,
} from "./job-history.ts";

/** A row of the table `jobs`. */
export interface JobRow {
  primary_id: string;
  job_id: number;
  parent_job_id: number | null;
  type: string;
  policy: string;
  policy_type: string;
  schedule: string;
  client: string;
  state: string;
  /** -1 while it runs, and when it said none: it is sorted by. */
  status: number;
  outcome: string;
  start_ms: number | null;
  sort_ms: number;
  updated_ms: number;
  position: number;
  first_position: number;
  items: string;
}

/**
 * The jobs of all primaries, as their notifications tell them: one row for each job, as long as the log has a notification of it. So
 * the log's retention bounds the table; there is no bound of its own.
 */
export class JobsView implements View {
  readonly schema = `CREATE TABLE jobs (
    primary_id TEXT NOT NULL,
    job_id INTEGER NOT NULL,
    parent_job_id INTEGER,
    type TEXT NOT NULL,
    policy TEXT NOT NULL,
    policy_type TEXT NOT NULL,
    schedule TEXT NOT NULL,
    client TEXT NOT NULL,
    state TEXT NOT NULL,
    status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    start_ms INTEGER,
    sort_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    position INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    items TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX jobs_by_id ON jobs (primary_id, job_id);
  CREATE INDEX jobs_by_start ON jobs (sort_ms);
  CREATE INDEX jobs_by_primary ON jobs (primary_id, sort_ms);
  CREATE INDEX jobs_by_client ON jobs (client, sort_ms);
  CREATE INDEX jobs_by_policy ON jobs (policy, sort_ms);
  CREATE INDEX jobs_by_status ON jobs (status, sort_ms);
  CREATE INDEX jobs_failed ON jobs (sort_ms) WHERE outcome = 'failed';
  CREATE INDEX jobs_open ON jobs (state, sort_ms) WHERE state <> 'DONE';
  CREATE INDEX jobs_by_position ON jobs (position);
  CREATE INDEX jobs_by_first_position ON jobs (first_position);`;
  #statements: ReturnType<typeof prepare> | undefined;
  #pages: RowPages | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
    this.#pages = new RowPages(database);
  }

  /** Rows by page; each is what `JobRow` says. */
  get pages(): RowPages {
    if (this.#pages === undefined) throw new TypeError("the view is not attached to a database");
    return this.#pages;
  }

  /** The oldest start of a backup of a client by a policy that is known, epoch ms; undefined when none is. */
  firstBackup(primaryId: string, client: string, policy: string): number | undefined {
    const row = this.#sql.firstBackup.get(primaryId, client, policy);
    return row === undefined ? undefined : Number(row["sort_ms"]);
  }

  /** How many jobs started within a window, by primary and outcome; in small steps, so that others are not kept waiting. */
  count(ids: "all" | readonly string[], fromMs: number, toMs: number): Promise<JobCounts> {
    return this.#sql.count(ids, fromMs, toMs);
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    const goneBefore = notificationsGoneBefore(known);
    if (known?.type === "sallyport.primary.deleted") this.#sql.removePrimary.run(known.data.id);
    else if (goneBefore !== undefined) this.#trim(goneBefore);
    else if (known === undefined) this.#add(event);
  }

  #add(event: StoredEvent): void {
    const read = toJobItem(event);
    const primaryId = primaryOf(event.source);
    if (read === undefined || primaryId === undefined) return;
    const { jobId, item } = read;
    const found = this.#sql.find.get(primaryId, jobId) as JobRow | undefined;
    if (found === undefined) {
      // One that was under way when its primary was deleted.
      if (this.#sql.isEnrolled.get(primaryId) === undefined) return;
      const row = toRow(primaryId, jobId, [item]);
      this.#sql.insert.run(...identityOf(row), ...steadyOf(row), ...movingOf(row));
      return;
    }
    const [first = item, ...rest] = addJobItem(itemsOf(found), item);
    this.#replace(found, toRow(primaryId, jobId, [first, ...rest]));
  }

  /** Most notifications change nothing but the state: then the indexes of the rest are left alone. */
  #replace(found: JobRow, row: JobRow): void {
    const identity = identityOf(row);
    const steady = steadyOf(row);
    const isSteady = steadyOf(found).every((value, index) => value === steady[index]);
    if (isSteady) this.#sql.move.run(...movingOf(row), ...identity);
    else this.#sql.replace.run(...steady, ...movingOf(row), ...identity);
  }

  #trim(before: number): void {
    for (const found of this.#sql.startedBefore.all(before) as unknown as JobRow[]) {
      const [first, ...rest] = itemsOf(found).filter(({ position }) => position >= before);
      if (first === undefined) this.#sql.remove.run(found.primary_id, found.job_id);
      else this.#replace(found, toRow(found.primary_id, found.job_id, [first, ...rest]));
    }
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

const identity = ["primary_id", "job_id"] as const;
const steady = [
  "parent_job_id",
  "type",
  "policy",
  "policy_type",
  "schedule",
  "client",
  "start_ms",
  "sort_ms",
] as const;
const moving = ["state", "status", "outcome", "updated_ms", "position", "first_position", "items"] as const;

const identityOf = (row: JobRow) => identity.map((name) => row[name]);
const steadyOf = (row: JobRow) => steady.map((name) => row[name]);
const movingOf = (row: JobRow) => moving.map((name) => row[name]);

function prepare(database: Database) {
  const columns = [...identity, ...steady, ...moving];
  const set = (names: readonly string[]) => names.map((name) => `${name} = ?`).join(", ");
  const one = "primary_id = ? AND job_id = ?";
  return {
    isEnrolled: database.prepare("SELECT 1 FROM primaries WHERE id = ?"),
    find: database.prepare(`SELECT * FROM jobs WHERE ${one}`),
    insert: database.prepare(
      `INSERT INTO jobs (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    ),
    move: database.prepare(`UPDATE jobs SET ${set(moving)} WHERE ${one}`),
    replace: database.prepare(`UPDATE jobs SET ${set([...steady, ...moving])} WHERE ${one}`),
    remove: database.prepare(`DELETE FROM jobs WHERE ${one}`),
    removePrimary: database.prepare("DELETE FROM jobs WHERE primary_id = ?"),
    firstBackup: database.prepare(
      `SELECT sort_ms FROM jobs INDEXED BY jobs_by_primary WHERE primary_id = ? AND client = ? AND policy = ?
       AND upper(type) = 'BACKUP' ORDER BY sort_ms LIMIT 1`,
    ),
    count: jobCounter(database),
    startedBefore: database.prepare("SELECT * FROM jobs WHERE first_position < ?"),
  };
}

function itemsOf(row: JobRow): JobItem[] {
  return decodeJobItems(row.items, detailOf(row));
}

function detailOf(row: JobRow): JobDetail {
  return {
    parentJobId: row.parent_job_id,
    jobType: row.type,
    policyName: row.policy,
    policyType: row.policy_type,
    scheduleType: row.schedule,
    clientName: row.client,
  };
}

function toRow(primaryId: string, jobId: number, items: readonly [JobItem, ...JobItem[]]): JobRow {
  const current: CurrentJob = currentJob(items);
  const last = items.at(-1) ?? current;
  const { detail } = current;
  return {
    primary_id: primaryId,
    job_id: jobId,
    parent_job_id: detail.parentJobId,
    type: detail.jobType,
    policy: detail.policyName,
    policy_type: detail.policyType,
    schedule: detail.scheduleType,
    client: detail.clientName,
    state: current.state,
    status: current.status ?? -1,
    outcome: current.outcome,
    start_ms: current.startMs,
    sort_ms: current.sortMs,
    updated_ms: last.timeMs,
    position: last.position,
    first_position: items[0].position,
    items: encodeJobItems(items, detail),
  };
}
