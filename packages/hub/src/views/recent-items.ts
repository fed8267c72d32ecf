import type { Database } from "@sallyport/durable";
import { digestOf } from "../inbox/digest.ts";
import type { KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "./views.ts";

/** What the last notifications about each job and image said, for as long as a resend may come. */
export class RecentItemsView implements View {
  readonly schema = `CREATE TABLE recent_items (
    position INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    subject TEXT NOT NULL,
    digest TEXT NOT NULL,
    time_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX recent_items_by_subject ON recent_items (source, subject, position);`;
  readonly #windowMs: number;
  #statements: ReturnType<typeof prepare> | undefined;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  attach(database: Database): void {
    this.#statements = prepare(database);
  }

  /**
   * The digests of the newest items of a subject, oldest first.
   * @param sinceMs epoch ms; what was stored before does not count
   */
  latest(source: string, subject: string, sinceMs: number, limit: number): string[] {
    const rows = (this.#statements?.latest.all(source, subject, sinceMs, limit) ?? []) as {
      digest: string;
    }[];
    return rows.map(({ digest }) => digest).toReversed();
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    if (known?.type === "sallyport.log.trimmed") {
      if (known.data.types.includes("netbackup.")) this.#statements?.trim.run(known.data.before);
      return;
    }
    if (!event.type.startsWith("netbackup.")) return;
    const timeMs = Date.parse(event.time);
    this.#statements?.insert.run(event.position, event.source, event.subject, digestOf(event.data), timeMs);
    // Bounded by the window: the oldest go as new ones come, two at a time so that it also shrinks.
    this.#statements?.prune.run(timeMs - this.#windowMs);
  }
}

function prepare(database: Database) {
  return {
    latest: database.prepare(
      `SELECT digest FROM recent_items WHERE source = ? AND subject = ? AND time_ms >= ?
       ORDER BY position DESC LIMIT ?`,
    ),
    insert: database.prepare("INSERT INTO recent_items VALUES (?, ?, ?, ?, ?)"),
    trim: database.prepare("DELETE FROM recent_items WHERE position < ?"),
    prune: database.prepare(
      `DELETE FROM recent_items WHERE position IN
       (SELECT position FROM recent_items ORDER BY position LIMIT 2) AND time_ms < ?`,
    ),
  };
}
