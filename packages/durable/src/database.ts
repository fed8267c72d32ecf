import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** One step of a schema: SQL that turns version n into n + 1. Steps are only ever appended. */
export type Migration = string;

/** What `openDatabase` opens. */
export interface DatabaseOptions {
  /** The file; made with mode 0600 when missing. */
  path: string;
  /** All steps since the first version, in order. */
  migrations: readonly Migration[];
}

/** Statements that are kept prepared; beyond it the one that was not used for longest is prepared anew when it is wanted again. */
const maxPrepared = 200;

/** A SQLite database whose committed transactions survive a kill and a power cut. */
export class Database implements Disposable {
  readonly connection: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(connection: DatabaseSync) {
    this.connection = connection;
  }

  /** Prepares a statement, to be kept and run many times. */
  prepare(sql: string) {
    return this.connection.prepare(sql);
  }

  /**
   * Prepares a statement, or answers the one that was prepared of the same text: for what is run whole at once (`get`, `all`, `run`), since
   * two iterations of one statement would be one.
   */
  prepared(sql: string): StatementSync {
    const statement = this.#prepared.get(sql) ?? this.connection.prepare(sql);
    // The map's order is that of use.
    this.#prepared.delete(sql);
    this.#prepared.set(sql, statement);
    if (this.#prepared.size > maxPrepared) {
      const [oldest] = this.#prepared.keys();
      if (oldest !== undefined) this.#prepared.delete(oldest);
    }
    return statement;
  }

  /**
   * Runs `body` in one transaction: all of it is on disk when this returns, nothing of it when `body` throws.
   * Inside another transaction it becomes a part of that one.
   */
  transaction<T>(body: () => T): T {
    if (this.connection.isTransaction) return body();
    this.connection.exec("BEGIN IMMEDIATE");
    try {
      const result = body();
      this.connection.exec("COMMIT");
      return result;
    } catch (error) {
      // SQLite has ended the transaction itself after some errors, a full disk among them.
      if (this.connection.isTransaction) this.connection.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * The same for what is only looked at: it is committed without waiting for the disk. A kill loses nothing of it; a power cut may lose the
   * latest such transactions, each whole, that no other has followed. Inside another transaction it becomes a part of that one.
   */
  transactionWithoutSync<T>(body: () => T): T {
    if (this.connection.isTransaction) return body();
    this.connection.exec("PRAGMA synchronous=NORMAL");
    try {
      return this.transaction(body);
    } finally {
      this.connection.exec("PRAGMA synchronous=FULL");
    }
  }

  /**
   * Brings one part's tables up to date, each step in a transaction. Parts that share a file each have their own
   * versions, so that they can share transactions without knowing each other's schema.
   * @param part a name that never changes
   * @throws Error when the file was written by a newer version
   */
  migrate(part: string, migrations: readonly Migration[]): void {
    this.connection.exec(
      "CREATE TABLE IF NOT EXISTS schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
    );
    const found = Number(
      this.prepare("SELECT version FROM schema_version WHERE part = ?").get(part)?.["version"] ?? 0,
    );
    if (found > migrations.length) {
      throw new Error(
        `${this.connection.location() ?? "the database"} has schema version ${found} of "${part}", this program knows up to ${migrations.length}: start the newer version of Sallyport`,
      );
    }
    const setVersion = this.prepare("INSERT OR REPLACE INTO schema_version VALUES (?, ?)");
    for (const [index, sql] of migrations.entries()) {
      if (index < found) continue;
      this.transaction(() => {
        this.connection.exec(sql);
        setVersion.run(part, index + 1);
      });
    }
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    if (this.connection.isOpen) this.connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a SQLite file for durable use (WAL, `synchronous=FULL`: a commit is fsynced before it returns) and brings
 * its schema up to date, each step in a transaction.
 * @throws Error when the file was written by a newer version, or is no database
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { path, migrations } = options;
  if (!existsSync(path)) writeFileSync(path, "", { mode: 0o600 });
  else chmodSync(path, 0o600);
  const connection = new DatabaseSync(path, { timeout: 5000 });
  const database = new Database(connection);
  try {
    connection.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;");
    database.migrate("main", migrations);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Opens a database that another connection writes, only to read it.
 * @throws Error when there is no such file
 */
export function openDatabaseForReading(path: string): Database {
  return new Database(new DatabaseSync(path, { readOnly: true, timeout: 5000 }));
}
