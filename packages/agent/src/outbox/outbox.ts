import type { Database, Migration } from "@sallyport/durable";
import {
  imageItem,
  jobItem,
  newOrderedId,
  type Gap,
  type NotificationEntry,
  type Resume,
  type Standing,
} from "@sallyport/nbwss";
import { OutboxGaps, type OutboxGap } from "./gaps.ts";
import { madeAtMs } from "./made-at.ts";
import { describeMissing } from "./missing.ts";
import { decideResume } from "./resume.ts";
import { TooLarge } from "./too-large.ts";

/** A notification as a source hands it over. */
export interface OutgoingNotification {
  notificationType: string;
  object: string;
  data: readonly object[];
}

/** How much an outbox takes. */
export interface OutboxBounds {
  /** At the bound the oldest make room. */
  maxNotifications: number;
  /** Of one notification, as JSON; a larger one is not kept, and left out for every group. */
  maxNotificationBytes: number;
}

/** A notification that waits in the outbox. */
export interface OutboxItem {
  position: number;
  /** The id of its message, the same for every resend. */
  id: string;
  /** What it is about, such as `job/7`; order is kept within a subject. */
  subject: string;
  entry: NotificationEntry;
}

const migrations: readonly Migration[] = [
  `CREATE TABLE outbox (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     subject TEXT NOT NULL,
     entry TEXT NOT NULL
   ) STRICT;
   CREATE TABLE outbox_cursor (group_id TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT`,
  `ALTER TABLE outbox_cursor ADD COLUMN journal TEXT NOT NULL DEFAULT ''`,
];

/**
 * Notifications that are owed to server groups, durable and in order. Each group has a cursor: all up to it is
 * acknowledged. What every group has acknowledged is deleted; while there is no group, nothing is owed and nothing
 * is kept. At its bound the oldest make room, and whoever was owed them has a gap, which is kept, counted and reported.
 * Positions have no holes, so that an endpoint can be told them: what a group is owed is a journal, named by an id that changes when the
 * positions no longer mean what they did. A notification that is too large to be sent to anybody has its place and is not kept.
 */
export class Outbox {
  readonly #database: Database;
  readonly #bounds: OutboxBounds;
  readonly #listeners = new Set<() => void>();
  /** What each group has lost at the bound. */
  readonly gaps: OutboxGaps;
  /** What is left out for a group, since it is too large. */
  readonly tooLarge: TooLarge;

  constructor(database: Database, bounds: OutboxBounds, onGap: (gap: OutboxGap) => void) {
    this.#database = database;
    this.#bounds = bounds;
    database.migrate("outbox", migrations);
    this.gaps = new OutboxGaps(database, onGap);
    this.tooLarge = new TooLarge(database);
    for (const groupId of this.groups()) if (this.journal(groupId) === "") this.#beginJournal(groupId);
  }

  /**
   * Adds notifications, as a part of the caller's transaction when there is one: what the notification tells of
   * and the notification then become durable together. Call `flush` after the commit.
   */
  append(notifications: readonly OutgoingNotification[]): void {
    this.#database.transaction(() => {
      const groups = this.groups();
      if (groups.length === 0) return;
      const insert = this.#database.prepare("INSERT INTO outbox (id, subject, entry) VALUES (?, ?, ?)");
      for (const notification of notifications) {
        const text = JSON.stringify(notification);
        const isTooLarge = Buffer.byteLength(text) > this.#bounds.maxNotificationBytes;
        const entry = isTooLarge ? JSON.stringify({ ...notification, data: [] }) : text;
        const { lastInsertRowid } = insert.run(newOrderedId().toUpperCase(), subjectOf(notification), entry);
        if (isTooLarge) for (const groupId of groups) this.tooLarge.note(groupId, Number(lastInsertRowid));
      }
      this.#keepBound();
    });
  }

  /** Tells senders that something may have been added. */
  flush(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` whenever something was added; returns what ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next notifications for a group after `afterPosition`, in order. */
  read(afterPosition: number, limit: number): OutboxItem[] {
    const rows = this.#database
      .prepare("SELECT position, id, subject, entry FROM outbox WHERE position > ? ORDER BY position LIMIT ?")
      .all(afterPosition, limit);
    return rows.map((row) => ({
      position: Number(row["position"]),
      id: String(row["id"]),
      subject: String(row["subject"]),
      entry: JSON.parse(String(row["entry"])) as NotificationEntry,
    }));
  }

  /** A group's cursor: everything up to this position is acknowledged. */
  cursor(groupId: string): number {
    const row = this.#database.prepare("SELECT position FROM outbox_cursor WHERE group_id = ?").get(groupId);
    return Number(row?.["position"] ?? this.#lastPosition());
  }

  /** The id of a group's journal, a UUID in upper case; "" for a group that there is not. */
  journal(groupId: string): string {
    const row = this.#database.prepare("SELECT journal FROM outbox_cursor WHERE group_id = ?").get(groupId);
    return String(row?.["journal"] ?? "");
  }

  /**
   * Takes up after what the group's endpoint says it has stored: moves the cursor there, forward or back, or begins a new journal when the endpoint
   * says that it has what was never sent (see `decideResume`). Durable when it returns.
   */
  resume(groupId: string, claim: Standing | null): Resume {
    return this.#database.transaction(() => {
      const bounds = this.#database.prepare("SELECT min(position) AS first FROM outbox").get();
      const first = bounds?.["first"] ?? null;
      const byPosition = this.#database.prepare("SELECT id FROM outbox WHERE position = ?");
      const { outcome, position } = decideResume(
        {
          journal: this.journal(groupId),
          cursor: this.cursor(groupId),
          last: this.#lastPosition(),
          first: first === null ? undefined : Number(first),
          idAt: (at) => byPosition.get(at)?.["id"]?.toString(),
        },
        claim,
      );
      if (outcome === "refused") this.#beginJournal(groupId);
      const cursor = this.cursor(groupId);
      if (position > cursor) this.acknowledge(groupId, position);
      if (position < cursor) {
        this.#database
          .prepare("UPDATE outbox_cursor SET position = ? WHERE group_id = ?")
          .run(position, groupId);
      }
      return { journal: this.journal(groupId), outcome, position };
    });
  }

  /** What comes after a position and is no longer there, in order; nothing when the next one is. */
  missingAfter(groupId: string, position: number): Gap[] {
    const row = this.#database
      .prepare("SELECT min(position) AS next FROM outbox WHERE position > ?")
      .get(position);
    const next = row?.["next"] ?? null;
    const to = next === null ? this.#lastPosition() : Number(next) - 1;
    return describeMissing(position + 1, to, this.gaps.latest(groupId));
  }

  /** How many notifications a group has not acknowledged. */
  waiting(groupId: string): number {
    const row = this.#database.prepare("SELECT min(position) AS first FROM outbox").get();
    const first = row?.["first"] ?? null;
    if (first === null) return 0;
    // Positions have no holes: counting them would read the whole outbox, as often as an endpoint asks.
    return this.#lastPosition() - Math.max(this.cursor(groupId), Number(first) - 1);
  }

  /** Moves a group's cursor forward, and deletes what is owed to nobody any more. */
  acknowledge(groupId: string, position: number): void {
    this.#database.transaction(() => {
      this.#database
        .prepare("UPDATE outbox_cursor SET position = max(position, ?) WHERE group_id = ?")
        .run(position, groupId);
      this.gaps.acknowledged(groupId, position);
      this.#deleteAcknowledged();
    });
  }

  /** The groups that notifications are owed to. */
  groups(): string[] {
    const rows = this.#database.prepare("SELECT group_id FROM outbox_cursor ORDER BY group_id").all();
    return rows.map((row) => String(row["group_id"]));
  }

  /** Sets the groups: a new one is owed what comes from now on, one that is gone is owed nothing. */
  setGroups(groupIds: readonly string[]): void {
    this.#database.transaction(() => {
      const known = this.groups();
      const last = this.#lastPosition();
      for (const groupId of groupIds.filter((id) => !known.includes(id))) {
        this.#database
          .prepare("INSERT INTO outbox_cursor (group_id, position) VALUES (?, ?)")
          .run(groupId, last);
        this.#beginJournal(groupId);
      }
      for (const groupId of known.filter((id) => !groupIds.includes(id))) {
        this.#database.prepare("DELETE FROM outbox_cursor WHERE group_id = ?").run(groupId);
        this.gaps.forget(groupId);
        this.tooLarge.forget(groupId);
      }
      this.#deleteAcknowledged();
    });
  }

  /** How many notifications wait for at least one group. */
  get size(): number {
    return Number(this.#database.prepare("SELECT count(*) AS n FROM outbox").get()?.["n"]);
  }

  #lastPosition(): number {
    const row = this.#database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").get();
    return Number(row?.["seq"] ?? 0);
  }

  #beginJournal(groupId: string): void {
    const journal = newOrderedId().toUpperCase();
    this.#database.prepare("UPDATE outbox_cursor SET journal = ? WHERE group_id = ?").run(journal, groupId);
  }

  #deleteAcknowledged(): void {
    const row = this.#database.prepare("SELECT min(position) AS all_have FROM outbox_cursor").get();
    this.#deleteUpTo(Number(row?.["all_have"] ?? this.#lastPosition()));
  }

  #deleteUpTo(position: number): void {
    this.#database.prepare("DELETE FROM outbox WHERE position <= ?").run(position);
    this.tooLarge.deleted(position);
  }

  /** Positions are without holes except at the front, so the first and the last tell the size without counting. */
  #keepBound(): void {
    const last = this.#lastPosition();
    const oldest = last - this.#bounds.maxNotifications;
    const gap = this.#database
      .prepare("SELECT min(position) AS first, max(position) AS last FROM outbox WHERE position <= ?")
      .get(oldest);
    if (gap?.["first"] === null || gap === undefined) return;
    const [first, dropped] = [Number(gap["first"]), Number(gap["last"])];
    for (const groupId of this.groups()) {
      const cursor = this.cursor(groupId);
      if (cursor >= dropped) continue;
      const from = Math.max(first, cursor + 1);
      const times = { sinceMs: this.#madeAtMs(from), untilMs: this.#madeAtMs(dropped) };
      this.gaps.note(groupId, from, dropped, times);
    }
    this.#deleteUpTo(oldest);
  }

  #madeAtMs(position: number): number {
    const row = this.#database.prepare("SELECT id FROM outbox WHERE position = ?").get(position);
    return madeAtMs(String(row?.["id"]));
  }
}

/** What a notification is about; entries of unknown shape share a subject, so that they stay in order. */
function subjectOf({ object, data }: OutgoingNotification): string {
  const [item] = data;
  const job = object === "JOB" ? jobItem.safeParse(item) : undefined;
  if (job?.success === true) return `job/${job.data.jobId}`;
  const image = object === "IMAGE" ? imageItem.safeParse(item) : undefined;
  return image?.success === true ? `image/${image.data.backupId}` : "other";
}
