import { setImmediate as nextTurn } from "node:timers/promises";
import { openDatabase, type Database } from "@sallyport/durable";
import { HubError } from "../errors.ts";
import type {
  Appended,
  BackwardsOptions,
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
import {
  Standings,
  standingsSchema,
  type ChangedStandings,
  type StandingChange,
  type StoredStanding,
} from "./standings.ts";
import { WalSync } from "./wal-sync.ts";

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
  standingsSchema,
];

/** What `openSqliteLog` opens. */
export interface SqliteLogOptions {
  /** The file. */
  path: string;
  /** Events that may wait for their commit. */
  maxPendingEvents: number;
  /** What brings commits onto the disk; for tests of its failure. */
  wal?: Pick<WalSync, "syncNow" | "sync" | typeof Symbol.dispose>;
}

interface Pending {
  events: readonly LogEvent[];
  change: StandingChange | undefined;
  resolve: (appended: Appended[]) => void;
  reject: (error: Error) => void;
}

/** A transaction that SQLite has committed; its appends are answered when it is on the disk. */
interface Committed {
  batch: readonly Pending[];
  /** Undefined for an append that was refused. */
  results: readonly (Appended[] | undefined)[];
  stored: readonly StoredEvent[];
  standings: ChangedStandings;
}

/**
 * Opens the log in a SQLite file (WAL). Each transaction is fsynced before its appends are answered or anybody can read it; the
 * event loop does not wait meanwhile, and what comes in then shares the next fsync.
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
  readonly #standings: Standings;
  readonly #selection: SqliteSelection;
  readonly #trim: SqliteTrim;
  readonly #probe;
  readonly #remove;
  readonly #wal: NonNullable<SqliteLogOptions["wal"]>;
  /** The newest position that is on the disk: nothing above it is read. */
  #durable: number;
  #committed: Committed[] = [];
  #syncing: Promise<void> | undefined;
  /** Transactions whose fsync failed: they go again, and the log takes nothing before that. */
  #undurable: Pick<Committed, "stored" | "standings">[] | undefined;
  #pending: Pending[] = [];
  #pendingEvents = 0;
  #failure: HubError | undefined;
  #closing: Promise<void> | undefined;

  constructor(database: Database, options: SqliteLogOptions) {
    this.#database = database;
    this.#options = options;
    this.#insert = database.prepare(
      `INSERT INTO events (id, type, source, subject, time, data) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
    );
    this.#find = database.prepare("SELECT position FROM events WHERE id = ?");
    this.#standings = new Standings(database);
    this.#wal = options.wal ?? new WalSync(options.path);
    this.#wal.syncNow();
    // A checkpoint keeps the event loop waiting: twice SQLite's own size of it writes fewer pages twice, eight times is felt by commands.
    database.connection.exec("PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=2000");
    this.#durable = (
      database.prepare("SELECT COALESCE(MAX(position), 0) AS position FROM events").get() as {
        position: number;
      }
    ).position;
    this.#selection = new SqliteSelection(database, () => this.#durable);
    this.#trim = new SqliteTrim(database, this.#selection);
    this.#remove = database.prepare("DELETE FROM events WHERE position = ?");
    this.#probe = database.prepare("UPDATE probe SET count = count + 1 WHERE id = 1");
  }

  get pendingEvents(): number {
    return this.#pendingEvents;
  }

  append(events: readonly LogEvent[], change?: StandingChange): Promise<Appended[]> {
    if (this.#closing !== undefined) return Promise.reject(new HubError("log_failed", "the log is closed"));
    if (events.length === 0 && change === undefined) return Promise.resolve([]);
    if (this.#pendingEvents + events.length > this.#options.maxPendingEvents) {
      const message = `${this.#pendingEvents} events wait for their commit already; try again later`;
      return Promise.reject(new HubError("log_busy", message, { retryAfterS: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ events, change, resolve, reject });
      this.#pendingEvents += events.length;
      if (this.#pending.length === 1) setImmediate(() => this.#flush());
    });
  }

  standing(source: string, groupId: string): StoredStanding | undefined {
    return this.#standings.get(source, groupId);
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

  async backwards(options: BackwardsOptions): Promise<StoredEvent[]> {
    return this.#selection.backwards(options);
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

  async check(): Promise<void> {
    if (this.#failure === undefined) return;
    try {
      this.#takeBack();
      this.#probe.run();
      await this.#wal.sync();
      this.#failure = undefined;
    } catch (error) {
      throw toLogError(error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= Promise.resolve().then(async () => {
      this.#flush();
      await this.#syncing;
      this.#wal[Symbol.dispose]();
      this.#database.close();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Commits all that waits in one transaction; the rest follows when it is on the disk. */
  #flush(): void {
    const batch = this.#pending;
    this.#pending = [];
    if (batch.length === 0) return;
    const stored: StoredEvent[] = [];
    const standings: ChangedStandings = new Map();
    try {
      this.#takeBack();
      const results = this.#database.transaction(() =>
        batch.map(({ events, change }) => {
          if (change !== undefined && !this.#standings.apply(change, standings)) return undefined;
          return events.map((event) => this.#store(event, stored));
        }),
      );
      this.#committed.push({ batch, results, stored, standings });
    } catch (error) {
      this.#fail(batch, error);
      return;
    }
    this.#syncing ??= this.#syncCommitted();
  }

  /** Never rejects. What is committed meanwhile shares the next fsync. */
  async #syncCommitted(): Promise<void> {
    while (this.#committed.length > 0) {
      const group = this.#committed;
      this.#committed = [];
      try {
        await this.#wal.sync();
        for (const committed of group) this.#settle(committed);
      } catch (error) {
        // What was committed since then can't be trusted to that file either.
        group.push(...this.#committed.splice(0));
        this.#undurable = group;
        const batches = group.flatMap(({ batch }) => batch);
        this.#fail(batches, error);
      }
    }
    this.#syncing = undefined;
  }

  /** Tells the listeners, then keeps the promises. */
  #settle({ batch, results, stored, standings }: Committed): void {
    this.#failure = undefined;
    this.#standings.settle(standings);
    const last = stored.at(-1);
    if (last !== undefined) {
      this.#durable = last.position;
      for (const listener of this.#listeners) listener(stored);
    }
    for (const [index, { events, resolve, reject }] of batch.entries()) {
      this.#pendingEvents -= events.length;
      const appended = results[index];
      if (appended === undefined) reject(outOfSequence());
      else resolve(appended);
    }
  }

  #fail(batch: readonly Pending[], error: unknown): void {
    this.#failure = toLogError(error);
    for (const { events, reject } of batch) {
      this.#pendingEvents -= events.length;
      reject(this.#failure);
    }
  }

  /**
   * After a failed fsync: takes out what was said not to be stored, and has SQLite write all that its log holds into the database
   * anew and sync it, since a later fsync of the same pages may succeed without having written them.
   */
  #takeBack(): void {
    const undurable = this.#undurable;
    if (undurable === undefined) return;
    this.#database.transaction(() => {
      for (const { stored, standings } of undurable) {
        for (const { position } of stored) this.#remove.run(position);
        this.#standings.takeBack(standings);
      }
    });
    const done = this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    if (done?.["busy"] !== 0) throw new Error("the database is being read; its log can't be emptied now");
    this.#undurable = undefined;
  }

  #store(event: LogEvent, stored: StoredEvent[]): Appended {
    const { id, type, source, subject, time } = event;
    const data = JSON.stringify(event.data ?? null);
    const { changes, lastInsertRowid } = this.#insert.run(id, type, source, subject, time, data);
    if (changes === 1) {
      const position = Number(lastInsertRowid);
      stored.push({ id, type, source, subject, time, data: event.data, position });
      return { position, duplicate: false };
    }
    return { position: (this.#find.get(id) as { position: number }).position, duplicate: true };
  }
}

function outOfSequence(): HubError {
  const message = "what comes before it is not stored yet; it has to be sent again after that";
  return new HubError("out_of_sequence", message);
}

function toLogError(cause: unknown): HubError {
  const message = `the log can't be written: ${(cause as Error).message}; is the disk full?`;
  return new HubError("log_failed", message, { cause, retryAfterS: 5 });
}
