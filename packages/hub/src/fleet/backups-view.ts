import type { Database } from "@sallyport/durable";
import type { KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "../views/views.ts";
import { readBackups, type BackupsAsked, type BackupsPage } from "./backups-page.ts";
import { notificationsGoneBefore, primaryOf } from "./item-members.ts";
import { toJobItem } from "./job-history.ts";

/** What was backed up: a client by a policy of a primary, and its last good backup. A row of the table `backups`. */
export interface BackupRow {
  primary_id: string;
  client: string;
  policy: string;
  /** Of the newest notification about a backup of it. */
  position: number;
  /** Of the newest one that said DONE, and its status. */
  done_position: number | null;
  done_status: number | null;
  /** Start of the last good backup, epoch ms; null when none is known. */
  good_ms: number | null;
  good_job_id: number | null;
  /** 0, or 1 where some files were left out. */
  good_status: number | null;
}

/**
 * Types of policies of which a job below another is a stream of it, one part of the client's backup, whose end the parent tells for all
 * of them. Of others, such as VMWARE, the parent only finds out what there is, and each child is the whole backup of a client.
 */
const streamedTypes: ReadonlySet<string> = new Set(["STANDARD", "WINDOWS_NT", "DATASTORE"]);

/**
 * The last good backup of each client and policy: a BACKUP job that was DONE with status 0, or 1, which is flagged. What counts is when
 * it started: that is the moment that a restore leads back to. Of several streams the parent counts, which is partial when one has failed.
 *
 * `good_backups` holds the good ones that were notified after all those that started later; nearly always one. They are what
 * is left over when retention takes the newer ones.
 *
 * Both tables have a row for each client and policy, rarely more: retention looks at all of them, so that no notification has to
 * keep an index by position.
 */
export class BackupsView implements View {
  readonly revision = 1;
  readonly schema = `CREATE TABLE backups (
    primary_id TEXT NOT NULL,
    client TEXT NOT NULL,
    policy TEXT NOT NULL,
    position INTEGER NOT NULL,
    done_position INTEGER,
    done_status INTEGER,
    good_ms INTEGER,
    good_job_id INTEGER,
    good_status INTEGER,
    PRIMARY KEY (primary_id, client, policy)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX backups_by_good ON backups (good_ms);
  CREATE TABLE good_backups (
    primary_id TEXT NOT NULL,
    client TEXT NOT NULL,
    policy TEXT NOT NULL,
    position INTEGER NOT NULL,
    good_ms INTEGER NOT NULL,
    job_id INTEGER NOT NULL,
    status INTEGER NOT NULL,
    PRIMARY KEY (primary_id, client, policy, position)
  ) STRICT, WITHOUT ROWID;`;
  #statements: ReturnType<typeof prepare> | undefined;

  #database: Database | undefined;

  attach(database: Database): void {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /** Rows by page, in the order of primary, client and policy. */
  page(asked: BackupsAsked): BackupsPage {
    if (this.#database === undefined) throw new TypeError("the view is not attached to a database");
    return readBackups(this.#database, asked);
  }

  get(primaryId: string, client: string, policy: string): BackupRow | undefined {
    return this.#sql.get.get(primaryId, client, policy) as BackupRow | undefined;
  }

  /** Those without a good backup since a moment, epoch ms; at most `limit`, those without any first. */
  withoutGoodSince(sinceMs: number, limit: number): BackupRow[] {
    return this.#sql.withoutGood.all(sinceMs, limit) as unknown as BackupRow[];
  }

  /** When the last good backup of a primary started, epoch ms; null when none is known. */
  lastGoodOf(primaryId: string): number | null {
    return (this.#sql.lastGoodOf.get(primaryId)?.["good_ms"] ?? null) as number | null;
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    const goneBefore = notificationsGoneBefore(known);
    if (known?.type === "sallyport.primary.deleted") {
      this.#sql.removePrimary.run(known.data.id);
      this.#sql.removePrimaryGood.run(known.data.id);
    } else if (goneBefore !== undefined) this.#trim(goneBefore);
    else if (known === undefined) this.#add(event);
  }

  #add(event: StoredEvent): void {
    const read = toJobItem(event);
    const primaryId = primaryOf(event.source);
    if (read === undefined || primaryId === undefined) return;
    const { jobId, item } = read;
    const { state, status, startMs, timeMs, position, detail } = item;
    if (detail.jobType.toUpperCase() !== "BACKUP") return;
    const group = [primaryId, detail.clientName, detail.policyName] as const;
    const { parentJobId, policyType } = detail;
    const isStream =
      parentJobId !== null && parentJobId !== jobId && streamedTypes.has(policyType.toUpperCase());
    const done = state === "DONE" && !isStream;
    const doneValues = [done ? position : null, done ? status : null] as const;
    // A primary whose clock is ahead must not hide that backups are missing.
    const goodMs = Math.min(startMs ?? timeMs, timeMs);
    const isGood = done && (status === 0 || status === 1);
    const { note, noteDone, noteGood, insert, isEnrolled } = this.#sql;
    const write = () => {
      if (isGood) return noteGood.run(position, status, goodMs, jobId, ...group);
      return done ? noteDone.run(position, ...doneValues, ...group) : note.run(position, ...group);
    };
    if (write().changes === 0) {
      // One that was under way when its primary was deleted.
      if (isEnrolled.get(primaryId) === undefined) return;
      insert.run(...group, position, ...doneValues);
      if (isGood) write();
    }
    if (!isGood) return;
    this.#sql.removeOlderGood.run(...group, goodMs);
    this.#sql.insertGood.run(...group, position, goodMs, jobId, status);
  }

  #trim(before: number): void {
    this.#sql.remove.run(before);
    this.#sql.forgetDone.run(before);
    const gone = this.#sql.goodBefore.all(before) as unknown as BackupRow[];
    this.#sql.removeGood.run(before);
    for (const { primary_id: id, client, policy } of gone) this.#setGood([id, client, policy]);
  }

  #setGood(group: readonly [string, string, string]): void {
    const best = this.#sql.best.get(...group);
    const { good_ms: goodMs = null, job_id: jobId = null, status = null } = best ?? {};
    this.#sql.setGood.run(goodMs, jobId, status, ...group);
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

function prepare(database: Database) {
  const group = "primary_id = ? AND client = ? AND policy = ?";
  return {
    isEnrolled: database.prepare("SELECT 1 FROM primaries WHERE id = ?"),
    get: database.prepare(`SELECT * FROM backups WHERE ${group}`),
    withoutGood: database.prepare(
      "SELECT * FROM backups WHERE good_ms IS NULL OR good_ms < ? ORDER BY good_ms LIMIT ?",
    ),
    lastGoodOf: database.prepare("SELECT max(good_ms) AS good_ms FROM backups WHERE primary_id = ?"),
    note: database.prepare(`UPDATE backups SET position = ? WHERE ${group}`),
    noteDone: database.prepare(
      `UPDATE backups SET position = ?, done_position = ?, done_status = ? WHERE ${group}`,
    ),
    // Those that stay in `good_backups` are the ones that started later: what this one doesn't exceed is the best still.
    noteGood: database.prepare(
      `UPDATE backups SET position = ?1, done_position = ?1, done_status = ?2,
         good_ms = max(?3, coalesce(good_ms, ?3)),
         good_job_id = iif(coalesce(good_ms, ?3) <= ?3, ?4, good_job_id),
         good_status = iif(coalesce(good_ms, ?3) <= ?3, ?2, good_status)
       WHERE primary_id = ?5 AND client = ?6 AND policy = ?7`,
    ),
    insert: database.prepare("INSERT INTO backups VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL)"),
    removeOlderGood: database.prepare(`DELETE FROM good_backups WHERE ${group} AND good_ms <= ?`),
    insertGood: database.prepare("INSERT INTO good_backups VALUES (?, ?, ?, ?, ?, ?, ?)"),
    best: database.prepare(`SELECT * FROM good_backups WHERE ${group} ORDER BY good_ms DESC LIMIT 1`),
    setGood: database.prepare(
      `UPDATE backups SET good_ms = ?, good_job_id = ?, good_status = ? WHERE ${group}`,
    ),
    remove: database.prepare("DELETE FROM backups WHERE position < ?"),
    forgetDone: database.prepare(
      "UPDATE backups SET done_position = NULL, done_status = NULL WHERE done_position < ?",
    ),
    goodBefore: database.prepare(
      "SELECT DISTINCT primary_id, client, policy FROM good_backups WHERE position < ?",
    ),
    removeGood: database.prepare("DELETE FROM good_backups WHERE position < ?"),
    removePrimary: database.prepare("DELETE FROM backups WHERE primary_id = ?"),
    removePrimaryGood: database.prepare("DELETE FROM good_backups WHERE primary_id = ?"),
  };
}
