import { setImmediate as nextTurn } from "node:timers/promises";
import { openDatabase, type Database } from "@sallyport/durable";
import { HubError } from "../errors.ts";
import type {
  Appended,
  EventLog,
  LogEvent,
  LogListener,
  ReadOptions,
  SelectOptions,
  Selection,
  StoredEvent,
  TrimCursor,
  TrimOptions,
  TrimStep,
} from "./log.ts";
import { SqliteSelection } from "./sqlite-selection.ts";
import { SqliteTrim } from "./sqlite-trim.ts";

const migrations = [
  `CREATE TABLE events (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     type TEXT NOT NULL,
     source TEXT NOT NULL,
     subject TEXT NOT NULL,
     time TEXT NOT NULL,
     data TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_source ON events (source, position);
   CREATE TABLE probe (id INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
   INSERT INTO probe VALUES (1, 0);`,
  `CREATE INDEX events_by_type ON events (type, position);
   CREATE INDEX events_by_source_and_type ON events (source, type, position);
   DROP INDEX events_by_source;`,
];

/** What `openSqliteLog` opens. */
export interface SqliteLogOptions {
  /** The file. */
  path: string;
  /** Events that may wait for their commit. */
  maxPendingEvents: number;
}

interface Pending {
  events: readonly LogEvent[];
  resolve: (appended: Appended[]) => void;
  reject: (error: Error) => void;
}

/**
 * Opens the log in a SQLite file (WAL, `synchronous=FULL`).
 * @throws Error when the file was written by a newer version, or is no database
 */
export function openSqliteLog(options: SqliteLogOptions): EventLog {
  return new SqliteLog(openDatabase({ path: options.path, migrations }), options);
}

class SqliteLog implements EventLog {
  readonly #database: Database;
  readonly #options: SqliteLogOptions;
  readonly #listeners = new Set<LogListener>();
  readonly #insert;
  readonly #find;
  readonly #selection: SqliteSelection;
  readonly #trim: SqliteTrim;
  readonly #probe;
  #pending: Pending[] = [];
  #pendingEvents = 0;
  #failure: HubError | undefined;
  #closing: Promise<void> | undefined;

  constructor(database: Database, options: SqliteLogOptions) {
    this.#database = database;
    this.#options = options;
    this.#insert = database.prepare(
      `INSERT INTO events (id, type, source, subject, time, data) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING RETURNING position`,
    );
    this.#find = database.prepare("SELECT position FROM events WHERE id = ?");
    this.#selection = new SqliteSelection(database);
    this.#trim = new SqliteTrim(database, this.#selection);
    this.#probe = database.prepare("UPDATE probe SET count = count + 1 WHERE id = 1");
  }

  get pendingEvents(): number {
    return this.#pendingEvents;
  }

  append(events: readonly LogEvent[]): Promise<Appended[]> {
    if (this.#closing !== undefined) return Promise.reject(new HubError("log_failed", "the log is closed"));
    if (events.length === 0) return Promise.resolve([]);
    if (this.#pendingEvents + events.length > this.#options.maxPendingEvents) {
      const message = `${this.#pendingEvents} events wait for their commit already; try again later`;
      return Promise.reject(new HubError("log_busy", message, { retryAfterS: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ events, resolve, reject });
      this.#pendingEvents += events.length;
      if (this.#pending.length === 1) setImmediate(() => this.#flush());
    });
  }

  async read({ after, limit, types, source }: ReadOptions): Promise<StoredEvent[]> {
    if (types === undefined && source === undefined) return this.#selection.all(after, limit);
    const sources = source === undefined ? undefined : new Set([source]);
    const found: StoredEvent[] = [];
    for (let from = after; found.length < limit;) {
      const rest = limit - found.length;
      const { events, scannedTo } = this.#selection.select({
        after: from,
        limit: rest,
        types: types ?? [""],
        sources,
      });
      found.push(...events);
      if (scannedTo >= this.#selection.last()) break;
      from = scannedTo;
      // Others get their turn while a long log is looked through.
      await nextTurn();
    }
    return found;
  }

  async select(options: SelectOptions): Promise<Selection> {
    return this.#selection.select(options);
  }

  async get(position: number): Promise<StoredEvent | undefined> {
    return this.#selection.get(position);
  }

  async positionAt(time: string): Promise<number> {
    return this.#selection.positionAt(time);
  }

  async newest(types: readonly string[], before: number): Promise<number | undefined> {
    return this.#selection.newest(types, before);
  }

  async trim(options: TrimOptions, cursor: TrimCursor | undefined, limit: number): Promise<TrimStep> {
    try {
      return this.#trim.step(options, cursor, limit);
    } catch (error) {
      throw toLogError(error);
    }
  }

  async usedBytes(): Promise<number> {
    return this.#trim.usedBytes();
  }

  async lastPosition(): Promise<number> {
    return this.#selection.last();
  }

  subscribe(listener: LogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  check(): Promise<void> {
    if (this.#failure === undefined) return Promise.resolve();
    try {
      this.#probe.run();
      this.#failure = undefined;
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(toLogError(error));
    }
  }

  close(): Promise<void> {
    this.#closing ??= Promise.resolve().then(() => {
      this.#flush();
      this.#database.close();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Commits all that waits in one transaction, tells the listeners, then keeps the promises. */
  #flush(): void {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingEvents = 0;
    if (batch.length === 0) return;
    const stored: StoredEvent[] = [];
    let results: Appended[][];
    try {
      results = this.#database.transaction(() =>
        batch.map(({ events }) => events.map((event) => this.#store(event, stored))),
      );
      this.#failure = undefined;
    } catch (error) {
      this.#failure = toLogError(error);
      for (const { reject } of batch) reject(this.#failure);
      return;
    }
    if (stored.length > 0) for (const listener of this.#listeners) listener(stored);
    for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? []);
  }

  #store(event: LogEvent, stored: StoredEvent[]): Appended {
    const { id, type, source, subject, time } = event;
    const data = JSON.stringify(event.data ?? null);
    const inserted = this.#insert.get(id, type, source, subject, time, data) as
      | { position: number }
      | undefined;
    if (inserted !== undefined) {
      stored.push({ ...event, position: inserted.position });
      return { position: inserted.position, duplicate: false };
    }
    return { position: (this.#find.get(id) as { position: number }).position, duplicate: true };
  }
}

function toLogError(cause: unknown): HubError {
  const message = `the log can't be written: ${(cause as Error).message}; is the disk full?`;
  return new HubError("log_failed", message, { cause, retryAfterS: 5 });
}
