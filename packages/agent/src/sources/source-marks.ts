import type { Database, Migration } from "@sallyport/durable";
import type { HighWater } from "./high-water.ts";

const migrations: readonly Migration[] = [
  `CREATE TABLE polled_source (
     source TEXT PRIMARY KEY,
     origin TEXT NOT NULL,
     began_at_ms INTEGER NOT NULL,
     mark_ms INTEGER NOT NULL,
     is_complete INTEGER NOT NULL,
     reading INTEGER NOT NULL,
     resynced_at_ms INTEGER NOT NULL
   ) STRICT`,
];

/** How far a source has come; durable. */
export interface SourceMarks extends HighWater {
  /** Whether all that there was when watching began is known by now. */
  isComplete: boolean;
  /** Counts readings of lists, so that it shows in which one an item was seen last. */
  reading: number;
  /** When all was compared last, by the agent's clock, epoch ms. */
  resyncedAtMs: number;
}

/** The marks of all sources, in the database that holds the outbox. */
export class SourceMarksStore {
  readonly #database: Database;
  readonly #origin: string;

  /** @param origin the upstream; marks of another one are none */
  constructor(database: Database, origin: string) {
    this.#database = database;
    this.#origin = origin;
    database.migrate("sources", migrations);
  }

  /** Undefined before the first reading, or when what is kept is of another upstream. */
  read(source: string): SourceMarks | undefined {
    const row = this.#database
      .prepare("SELECT * FROM polled_source WHERE source = ? AND origin = ?")
      .get(source, this.#origin);
    if (row === undefined) return undefined;
    return {
      beganAtMs: Number(row["began_at_ms"]),
      markMs: Number(row["mark_ms"]),
      isComplete: row["is_complete"] === 1,
      reading: Number(row["reading"]),
      resyncedAtMs: Number(row["resynced_at_ms"]),
    };
  }

  write(source: string, marks: SourceMarks): void {
    const { beganAtMs, markMs, isComplete, reading, resyncedAtMs } = marks;
    this.#database
      .prepare("INSERT OR REPLACE INTO polled_source VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(source, this.#origin, beganAtMs, markMs, isComplete ? 1 : 0, reading, resyncedAtMs);
  }
}
