import { openDatabaseForReading, type Database } from "@sallyport/durable";
import type { EventLog, ReadOptions, StoredEvent } from "./log.ts";
import { SqliteSelection } from "./sqlite-selection.ts";

/** Reads the file of a log that another thread writes. */
export class LogReader implements Disposable, Pick<EventLog, "read" | "lastPosition" | "subscribe"> {
  /** The newest position that may be read: what is above may not be on the disk yet. The one who writes tells it. */
  durable: number;
  readonly #database: Database;
  readonly #selection: SqliteSelection;

  /** @throws Error when there is no such file */
  constructor(path: string, durable: number) {
    this.durable = durable;
    this.#database = openDatabaseForReading(path);
    this.#selection = new SqliteSelection(this.#database, () => this.durable);
  }

  async read({ after, limit }: Pick<ReadOptions, "after" | "limit">): Promise<StoredEvent[]> {
    return this.#selection.all(after, limit);
  }

  async lastPosition(): Promise<number> {
    return this.#selection.last();
  }

  /** Nobody is told: commits are the other thread's. */
  subscribe(): () => void {
    return () => undefined;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
