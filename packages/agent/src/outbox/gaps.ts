import type { Database, Migration } from "@sallyport/durable";

/** Notifications that a group will never get, because the outbox was full before the group had acknowledged them. */
export interface OutboxGap {
  groupId: string;
  /** Positions in the outbox. */
  firstPosition: number;
  lastPosition: number;
  notifications: number;
  /** When the oldest and the newest of them were made, epoch ms; null when that is not known. */
  sinceMs: number | null;
  untilMs: number | null;
  /** Whether the group has acknowledged something after it. */
  isOver: boolean;
}

const migrations: readonly Migration[] = [
  `CREATE TABLE outbox_gap (
     group_id TEXT PRIMARY KEY,
     first_position INTEGER NOT NULL,
     last_position INTEGER NOT NULL,
     notifications INTEGER NOT NULL,
     is_over INTEGER NOT NULL,
     lost_before INTEGER NOT NULL
   ) STRICT`,
  `ALTER TABLE outbox_gap ADD COLUMN since_ms INTEGER;
   ALTER TABLE outbox_gap ADD COLUMN until_ms INTEGER`,
];

/** When what was dropped was made, epoch ms. */
export interface GapTimes {
  sinceMs: number;
  untilMs: number;
}

/** The latest gap of each group, durable in the outbox's own transactions. */
export class OutboxGaps {
  readonly #database: Database;
  readonly #onGap: (gap: OutboxGap) => void;
  /** Groups whose gap is not over, so that an acknowledgement costs nothing where there is none. */
  readonly #open: Map<string, number>;

  /** @param onGap told of each gap twice: when it begins, and when the group has taken up after it, which is when its size is final */
  constructor(database: Database, onGap: (gap: OutboxGap) => void) {
    this.#database = database;
    this.#onGap = onGap;
    database.migrate("outbox-gaps", migrations);
    const rows = database.prepare("SELECT group_id, last_position FROM outbox_gap WHERE is_over = 0").all();
    this.#open = new Map(rows.map((row) => [String(row["group_id"]), Number(row["last_position"])]));
  }

  /** Notes that what a group is owed from `first` to `last` was dropped. What follows a gap that is not over belongs to it. */
  note(groupId: string, first: number, last: number, { sinceMs, untilMs }: GapTimes): void {
    const count = last - first + 1;
    const longer = this.#database
      .prepare(
        `UPDATE outbox_gap SET last_position = ?, notifications = notifications + ?, until_ms = ?
         WHERE group_id = ? AND is_over = 0`,
      )
      .run(last, count, untilMs, groupId);
    if (Number(longer.changes) === 0) {
      this.#database
        .prepare("INSERT OR REPLACE INTO outbox_gap VALUES (?, ?, ?, ?, 0, ?, ?, ?)")
        .run(groupId, first, last, count, this.lost(groupId), sinceMs, untilMs);
      this.#onGap({
        groupId,
        firstPosition: first,
        lastPosition: last,
        notifications: count,
        sinceMs,
        untilMs,
        isOver: false,
      });
    }
    this.#open.set(groupId, last);
  }

  /** A group has acknowledged everything up to `position`. */
  acknowledged(groupId: string, position: number): void {
    const last = this.#open.get(groupId);
    if (last === undefined || position < last) return;
    this.#database.prepare("UPDATE outbox_gap SET is_over = 1 WHERE group_id = ?").run(groupId);
    this.#open.delete(groupId);
    const gap = this.latest(groupId);
    if (gap !== undefined) this.#onGap(gap);
  }

  /** A group is gone, and what it was owed with it. */
  forget(groupId: string): void {
    this.#database.prepare("DELETE FROM outbox_gap WHERE group_id = ?").run(groupId);
    this.#open.delete(groupId);
  }

  /** A group's latest gap; undefined when it never had one. */
  latest(groupId: string): OutboxGap | undefined {
    const row = this.#database.prepare("SELECT * FROM outbox_gap WHERE group_id = ?").get(groupId);
    if (row === undefined) return undefined;
    return {
      groupId,
      firstPosition: Number(row["first_position"]),
      lastPosition: Number(row["last_position"]),
      notifications: Number(row["notifications"]),
      sinceMs: numberOrNull(row["since_ms"]),
      untilMs: numberOrNull(row["until_ms"]),
      isOver: row["is_over"] === 1,
    };
  }

  /** How many notifications a group has lost in all. */
  lost(groupId: string): number {
    const row = this.#database
      .prepare("SELECT lost_before + notifications AS n FROM outbox_gap WHERE group_id = ?")
      .get(groupId);
    return Number(row?.["n"] ?? 0);
  }
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value);
}
