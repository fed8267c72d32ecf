import { join } from "node:path";
import { openDatabase, takeDataFolder, type Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { systemClock, type Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { JobStore } from "../jobs/job-store.ts";
import type { NotificationJournal } from "../journal/notification.ts";
import { migrations } from "../schema.ts";
import { RunningProcesses } from "../storage/running-processes.ts";
import type { Snapshot } from "../storage/restic-output.ts";
import type { StorageUnit } from "../storage/storage-unit.ts";
import { requireStorage, StorageUnits } from "../storage/storage-units.ts";
import { Catalogue } from "./catalogue.ts";
import { findDifferences, reconcileCatalogue } from "./reconciliation.ts";

/** What a recovery of the catalogue works on. */
export interface RecoverCatalogueOptions {
  /** The folder of a stopped primary; its database may be missing. */
  dataDir: string;
  log: Logger;
  clock?: Clock;
  resticProgram?: string;
  /** Makes the journal that tells of the images that are found again and lost. */
  journal: (database: Database) => NotificationJournal;
  /** Only say what would be done. */
  dryRun: boolean;
}

/** What a recovery has done, or would do. */
export interface RecoveredCatalogue {
  /** Images in the catalogue afterwards. */
  images: number;
  /** Snapshots that were put back into the catalogue. */
  recovered: number;
  /** Snapshots of jobs that never ended with an image, which were removed. */
  removed: number;
  /** Images whose snapshot is gone, which were taken out of the catalogue. */
  lost: number;
  /** Storage units whose repository could not be read, and why: their images are left as they are. */
  unreachable: { storageUnit: string; reason: string }[];
}

/**
 * Rebuilds the catalogue from the repositories alone: what they hold is listed, what they lack is not. Images that are found
 * again never expire by themselves, since an expiration that was changed is known to the catalogue only; one that was
 * immutable stays so.
 * @throws DataFolderError when the primary runs; PrimaryError when there is no storage at all
 */
export async function recoverCatalogue(options: RecoverCatalogueOptions): Promise<RecoveredCatalogue> {
  const { dataDir, log, clock = systemClock, resticProgram: program, dryRun } = options;
  requireStorage(dataDir);
  using _folder = takeDataFolder(dataDir);
  using database = openDatabase({ path: join(dataDir, "primary.db"), migrations });
  const processes = new RunningProcesses(database);
  await processes.killAll(log, dataDir);
  const [jobs, catalogue] = [new JobStore(database), new Catalogue(database)];
  const done: RecoveredCatalogue = { images: 0, recovered: 0, removed: 0, lost: 0, unreachable: [] };
  const onOpen = async (unit: StorageUnit, snapshots: readonly Snapshot[]) => {
    const { unfinished, unknown, lost } = await findDifferences({ catalogue, jobs, unit, snapshots });
    done.recovered += unknown.length;
    done.removed += unfinished.length;
    done.lost += lost.length;
    if (dryRun) return;
    await unit.restic.removeLocks();
    const journal = options.journal(database);
    await reconcileCatalogue({ database, catalogue, jobs, journal, unit, snapshots, clock, log });
  };
  await using units = new StorageUnits({ dataDir, database, processes, program, onOpen });
  for (const name of units.names()) {
    const unit = units.get(name);
    // Never used: it holds nothing, and nothing is to be made.
    if (!unit.isInitialised) continue;
    await unit.ready().catch((error: unknown) => {
      if (!(error instanceof PrimaryError)) throw error;
      done.unreachable.push({ storageUnit: name, reason: error.message });
    });
  }
  return { ...done, images: catalogue.listAll().length };
}
