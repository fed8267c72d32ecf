import type { Database } from "@sallyport/durable";
import type { StoredEvent } from "../log/log.ts";
import type { KnownEvent } from "../log/known-events.ts";
import type { View } from "./views.ts";

/** What of one kind of events is gone from the log. */
export interface TrimmedKind {
  types: readonly string[];
  /** Events at smaller positions are gone, or are about to go. */
  before: number;
  keepPerSource: number;
  /** When the newest of them was stored. */
  until: string;
  /** Where the log says so. */
  position: number;
}

interface Row {
  types: string;
  before: number;
  keep_per_source: number;
  until: string;
  position: number;
}

/** What the log no longer has, by kind; as many rows as there are kinds. */
export class TrimmedView implements View {
  readonly schema = `CREATE TABLE trimmed (
    types TEXT PRIMARY KEY,
    before INTEGER NOT NULL,
    keep_per_source INTEGER NOT NULL,
    until TEXT NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;`;
  #database: Database | undefined;
  #kinds: TrimmedKind[] | undefined;

  attach(database: Database): void {
    this.#database = database;
  }

  /** All kinds of which something is gone. */
  list(): readonly TrimmedKind[] {
    this.#kinds ??= this.#read();
    return this.#kinds;
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    if (known?.type !== "sallyport.log.trimmed") return;
    const { types, before, keepPerSource, until } = known.data;
    this.#database
      ?.prepare("INSERT OR REPLACE INTO trimmed VALUES (?, ?, ?, ?, ?)")
      .run(JSON.stringify(types), before, keepPerSource, until, event.position);
    this.#kinds = undefined;
  }

  #read(): TrimmedKind[] {
    const rows = (this.#database?.prepare("SELECT * FROM trimmed ORDER BY types").all() ??
      []) as unknown as Row[];
    return rows.map(({ types, keep_per_source: keepPerSource, before, until, position }) => {
      return { types: JSON.parse(types) as string[], before, keepPerSource, until, position };
    });
  }
}
