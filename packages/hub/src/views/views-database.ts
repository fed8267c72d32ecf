import { openDatabase, type Database } from "@sallyport/durable";
import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import type { View } from "./views.ts";

/** Where in the log the tables are: the newest event that was folded. */
export interface Reached {
  /** 0 before the first event. */
  position: number;
  /** Its id; tells this log from another one. */
  eventId: string;
}

/** Views as they were found. */
export interface ViewsDatabase {
  database: Database;
  /** Why they have to be folded from the first event on; undefined when they may go on from where they are. */
  madeAnew: string | undefined;
}

const reachedSchema = `CREATE TABLE reached (
  position INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL
) STRICT;`;

/** SQLite's codes for a file that is damaged or is no database. */
const damaged = new Set([11, 26]);

/**
 * Opens the file of the views. One that is missing, damaged, or was made for other tables (the views of another version of
 * Sallyport) is made anew, empty: there is no truth in it that the log does not have, so nothing is migrated.
 * @throws Error when the file can't be made or read
 */
export function openViewsDatabase(path: string, views: readonly View[]): ViewsDatabase {
  const fingerprint = fingerprintOf(views);
  const found = openFound(path, fingerprint);
  if (typeof found !== "string") return { database: found, madeAnew: undefined };
  removeDatabase(path);
  return { database: create(path, views, fingerprint), madeAnew: found };
}

/** Removes a database file with what SQLite keeps beside it. */
export function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${path}${suffix}`, { force: true });
}

/** What the tables have reached. */
export function readReached(database: Database): Reached {
  const row = database.prepare("SELECT position, event_id FROM reached").get();
  return { position: Number(row?.["position"] ?? 0), eventId: String(row?.["event_id"] ?? "") };
}

/** The database when it fits; otherwise why not. */
function openFound(path: string, fingerprint: string): Database | string {
  if (!existsSync(path)) return "there is no views.sqlite";
  let database: Database | undefined;
  try {
    database = openDatabase({ path, migrations: [] });
    if (fingerprintIn(database) === fingerprint) return relaxed(database);
    database.close();
    return "its tables are those of another version";
  } catch (error) {
    database?.close();
    if (damaged.has((error as { errcode?: number }).errcode ?? 0)) return "the file is damaged";
    throw error;
  }
}

function create(path: string, views: readonly View[], fingerprint: string): Database {
  const database = openDatabase({ path, migrations: [] });
  try {
    // All or nothing: a file without its fingerprint is made anew the next time.
    database.transaction(() => {
      database.connection.exec(reachedSchema);
      for (const { schema } of views) database.connection.exec(schema);
      database.prepare("INSERT INTO reached VALUES (0, '', ?)").run(fingerprint);
    });
    return relaxed(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A power cut may take the last transactions, never half of one; they are folded again. */
function relaxed(database: Database): Database {
  database.connection.exec("PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=8000");
  return database;
}

function fingerprintIn(database: Database): string | undefined {
  const columns = database.prepare("SELECT name FROM pragma_table_info('reached')").all();
  if (!columns.some(({ name }) => name === "fingerprint")) return undefined;
  const row = database.prepare("SELECT fingerprint FROM reached").get();
  return row === undefined ? undefined : String(row["fingerprint"]);
}

function fingerprintOf(views: readonly View[]): string {
  const parts = [reachedSchema, ...views.map(({ schema, revision = 0 }) => `${revision} ${schema}`)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
