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
import { concernsFleet, makeFleetViews } from "../fleet/fleet-views.ts";
import { concernsHub, makeHubViews } from "./hub-views.ts";
import { removeDatabase } from "./views-database.ts";
import { Views, type View } from "./views.ts";

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

/** The files of a hub's views. */
const files = [
  {
    name: "views.sqlite",
    makeViews: () => Object.values<View>({ ...makeHubViews() }),
    concerns: concernsHub,
  },
  {
    name: "fleet.sqlite",
    makeViews: () => Object.values<View>({ ...makeFleetViews() }),
    concerns: concernsFleet,
  },
] as const;
type ViewsFile = (typeof files)[number];

/**
 * Folds all of the log into new views, which then take the place of the old ones: killed at any moment, there are the old
 * views, the new ones, or none, and those a starting hub makes anew.
 * @throws DataFolderError while a hub runs; HubError `bad_option` when the folder has no log
 */
export async function rebuildViews(options: RebuildOptions): Promise<Rebuilt> {
  return withLog(options, async (dir, log) => {
    let position = 0;
    for (const file of files) {
      position = await foldAnew(options, dir, log, file);
      const path = dir.path(file.name);
      settle(path);
      renameSync(dir.path(newNameOf(file)), path);
      await syncToDisk(path);
    }
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
    const verified: Verified = { position: 0, difference: undefined, nothingToCompare: undefined };
    for (const file of files) {
      const one = await verifyFile(options, dir, log, file);
      verified.position = one.position;
      verified.difference ??= one.difference;
      verified.nothingToCompare ??= one.nothingToCompare;
    }
    return verified;
  });
}

async function verifyFile(
  options: RebuildOptions,
  dir: DataFolder,
  log: EventLog,
  file: ViewsFile,
): Promise<Verified> {
  let nothingToCompare: string | undefined;
  {
    using views = await openViews(options, dir.path(file.name), log, file);
    nothingToCompare = views.madeAnew;
  }
  const newPath = dir.path(newNameOf(file));
  try {
    const position = await foldAnew(options, dir, log, file);
    using found = openDatabase({ path: dir.path(file.name), migrations: [] });
    using expected = openDatabase({ path: newPath, migrations: [] });
    return { position, difference: compareTables(found, expected), nothingToCompare };
  } finally {
    removeDatabase(newPath);
  }
}

const newNameOf = ({ name }: ViewsFile) => `${name}.new`;

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
async function foldAnew(
  options: RebuildOptions,
  dir: DataFolder,
  log: EventLog,
  file: ViewsFile,
): Promise<number> {
  const path = dir.path(newNameOf(file));
  // One that an earlier rebuild has left half done.
  removeDatabase(path);
  using views = await openViews(options, path, log, file);
  return views.position;
}

function openViews(
  { limits, logger, onProgress }: RebuildOptions,
  path: string,
  log: EventLog,
  { makeViews, concerns }: ViewsFile,
): Promise<Views> {
  return Views.open({
    path,
    log,
    views: makeViews(),
    concerns,
    clock: systemClock,
    logger,
    retryMs: limits.viewRetryMs,
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
