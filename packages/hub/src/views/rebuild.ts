import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { openDatabase, takeDataFolder, type DataFolder } from "@sallyport/durable";
import { systemClock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { syncToDisk } from "../backup/files.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { EventLog } from "../log/log.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { compareTables } from "./compare-tables.ts";
import { makeHubViews } from "./hub-views.ts";
import { removeDatabase } from "./views-database.ts";
import { Views } from "./views.ts";

/** Which views are rebuilt. */
export interface RebuildOptions {
  /** The data folder of a hub that does not run. */
  dataDir: string;
  /** Those that the hub is started with. */
  limits: HubLimits;
  logger: Logger;
  /** Told how far it has come. */
  onProgress?: ((position: number, last: number) => void) | undefined;
}

/** What was rebuilt. */
export interface Rebuilt {
  /** The newest event that was folded. */
  position: number;
}

/** What a comparison found. */
export interface Verified extends Rebuilt {
  /** The first difference, in words; undefined when there is none. */
  difference: string | undefined;
  /** Why there was nothing to compare with: the views were missing, damaged, of another version or another log. */
  nothingToCompare: string | undefined;
}

/**
 * Folds all of the log into new views, which then take the place of the old ones: killed at any moment, there are the old
 * views, the new ones, or none, and those a starting hub makes anew.
 * @throws DataFolderError while a hub runs; HubError `bad_option` when the folder has no log
 */
export async function rebuildViews(options: RebuildOptions): Promise<Rebuilt> {
  return withLog(options, async (dir, log) => {
    const position = await foldAnew(options, dir, log);
    const path = dir.path("views.sqlite");
    settle(path);
    renameSync(dir.path(newName), path);
    await syncToDisk(path);
    return { position };
  });
}

/**
 * Compares the views that are there with what the log makes of them, and leaves them as they are, but that they are brought up to date
 * first, as a starting hub would do.
 * @throws DataFolderError while a hub runs; HubError `bad_option` when the folder has no log
 */
export async function verifyViews(options: RebuildOptions): Promise<Verified> {
  return withLog(options, async (dir, log) => {
    let nothingToCompare: string | undefined;
    {
      using views = await openViews(options, dir.path("views.sqlite"), log);
      nothingToCompare = views.madeAnew;
    }
    try {
      const position = await foldAnew(options, dir, log);
      using found = openDatabase({ path: dir.path("views.sqlite"), migrations: [] });
      using expected = openDatabase({ path: dir.path(newName), migrations: [] });
      return { position, difference: compareTables(found, expected), nothingToCompare };
    } finally {
      removeDatabase(dir.path(newName));
    }
  });
}

const newName = "views.sqlite.new";

async function withLog<T>(
  { dataDir, limits }: RebuildOptions,
  body: (dir: DataFolder, log: EventLog) => Promise<T>,
): Promise<T> {
  if (!existsSync(join(dataDir, "log.sqlite"))) {
    throw new HubError("bad_option", `${dataDir} is no data folder of a hub: it has no log.sqlite`);
  }
  using dir = takeDataFolder(dataDir);
  const { maxPendingEvents } = limits;
  await using log = openSqliteLog({ path: dir.path("log.sqlite"), maxPendingEvents });
  return await body(dir, log);
}

/** Returns the position that was reached. */
async function foldAnew(options: RebuildOptions, dir: DataFolder, log: EventLog): Promise<number> {
  // One that an earlier rebuild has left half done.
  removeDatabase(dir.path(newName));
  using views = await openViews(options, dir.path(newName), log, options.onProgress);
  return views.position;
}

function openViews(
  { limits, logger }: RebuildOptions,
  path: string,
  log: EventLog,
  onProgress?: RebuildOptions["onProgress"],
): Promise<Views> {
  const views = Object.values(makeHubViews());
  return Views.open({
    path,
    log,
    views,
    clock: systemClock,
    logger,
    retryMs: limits.viewRetryMs,
    gatherMs: 0,
    onProgress,
  });
}

/** Sees to it that a database is one file, so that no part of it is left beside the one that replaces it. */
function settle(path: string): void {
  try {
    openDatabase({ path, migrations: [] }).close();
  } catch {
    // Damaged: that may be why it is replaced.
    removeDatabase(path);
  }
}
