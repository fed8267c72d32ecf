import type { Database, Migration } from "@sallyport/durable";

const migrations: readonly Migration[] = [
  `CREATE TABLE outbox_too_large (
     group_id TEXT NOT NULL,
     position INTEGER NOT NULL,
     PRIMARY KEY (group_id, position)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE outbox_too_large_count (group_id TEXT PRIMARY KEY, notifications INTEGER NOT NULL) STRICT`,
];

/**
 * Notifications that are too large for a group, and are left out so that what comes after them gets through. Durable in the outbox's own
 * transactions; a mark lasts as long as what it marks is in the outbox.
 */
export class TooLarge {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("outbox-too-large", migrations);
  }

  /** Marks a notification, for good; once more changes nothing. */
  note(groupId: string, position: number): void {
    const noted = this.#database
      .prepare("INSERT OR IGNORE INTO outbox_too_large VALUES (?, ?)")
      .run(groupId, position);
    if (Number(noted.changes) === 0) return;
    this.#database
      .prepare(
        `INSERT INTO outbox_too_large_count VALUES (?, 1)
         ON CONFLICT (group_id) DO UPDATE SET notifications = notifications + 1`,
      )
      .run(groupId);
  }

  /** The positions after one that are marked for a group, up to and with `last`. */
  between(groupId: string, after: number, last: number): Set<number> {
    const rows = this.#database
      .prepare("SELECT position FROM outbox_too_large WHERE group_id = ? AND position > ? AND position <= ?")
      .all(groupId, after, last);
    return new Set(rows.map((row) => Number(row["position"])));
  }

  /** How many a group was not sent since it was added. */
  count(groupId: string): number {
    const row = this.#database
      .prepare("SELECT notifications FROM outbox_too_large_count WHERE group_id = ?")
      .get(groupId);
    return Number(row?.["notifications"] ?? 0);
  }

  /** What was marked up to a position is no longer in the outbox. */
  deleted(upTo: number): void {
    this.#database.prepare("DELETE FROM outbox_too_large WHERE position <= ?").run(upTo);
  }

  /** A group is gone. */
  forget(groupId: string): void {
    this.#database.prepare("DELETE FROM outbox_too_large WHERE group_id = ?").run(groupId);
    this.#database.prepare("DELETE FROM outbox_too_large_count WHERE group_id = ?").run(groupId);
  }
}
