import type { Database } from "@sallyport/durable";
import type { TrimCursor, TrimOptions, TrimStep } from "./log.ts";
import type { SqliteSelection } from "./sqlite-selection.ts";

/** Deletes old events in small steps, so that whoever else needs the log waits for milliseconds at most. */
export class SqliteTrim {
  readonly #database: Database;
  readonly #selection: SqliteSelection;
  readonly #sql;

  constructor(database: Database, selection: SqliteSelection) {
    this.#database = database;
    this.#selection = selection;
    this.#sql = {
      old: database.prepare(
        "SELECT position, source FROM events WHERE type = ? AND position > ? AND position < ? ORDER BY position LIMIT ?",
      ),
      newer: database.prepare(
        `SELECT count(*) AS count FROM (SELECT 1 FROM events
         WHERE source = ? AND type = ? AND position > ? AND position < ? LIMIT ?)`,
      ),
      remove: database.prepare("DELETE FROM events WHERE position = ?"),
      pages: database.prepare(
        "SELECT page_count - freelist_count AS used, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
      ),
    };
  }

  /** Bytes of the file that hold something; what was deleted is filled again before the file grows. */
  usedBytes(): number {
    const { used, page_size: size } = this.#sql.pages.get() as { used: number; page_size: number };
    return used * size;
  }

  /** Looks at up to `limit` old events of one type, deletes those that go, and says where to go on. */
  step(options: TrimOptions, cursor: TrimCursor | undefined, limit: number): TrimStep {
    const at = cursor ?? this.#firstType(options.types, 0, "");
    if (at === undefined) return { deleted: 0, next: undefined };
    const old = this.#sql.old.all(at.type, at.after, options.before, limit) as unknown as {
      position: number;
      source: string;
    }[];
    const gone = old.filter(({ position, source }) => !this.#isKept(options, source, position));
    this.#database.transaction(() => {
      for (const { position } of gone) this.#sql.remove.run(position);
    });
    const last = old.at(-1)?.position;
    const next =
      old.length === limit && last !== undefined
        ? { ...at, after: last }
        : this.#firstType(options.types, at.prefix, at.type);
    return { deleted: gone.length, next };
  }

  #firstType(prefixes: readonly string[], from: number, previous: string): TrimCursor | undefined {
    for (let index = from; index < prefixes.length; index += 1) {
      const type = this.#selection.nextType(prefixes[index] ?? "", index === from ? previous : "");
      if (type !== undefined) return { prefix: index, type, after: 0 };
    }
    return undefined;
  }

  /** Whether it is among the newest of its source: fewer than `keepPerSource` newer ones were there when trimming began. */
  #isKept({ types, keepPerSource, at }: TrimOptions, source: string, position: number): boolean {
    if (keepPerSource === 0) return false;
    let newer = 0;
    for (const prefix of types) {
      for (
        let type = this.#selection.nextType(prefix, "");
        type !== undefined && newer < keepPerSource;
        type = this.#selection.nextType(prefix, type)
      ) {
        const row = this.#sql.newer.get(source, type, position, at, keepPerSource);
        newer += (row as { count: number }).count;
      }
    }
    return newer < keepPerSource;
  }
}
