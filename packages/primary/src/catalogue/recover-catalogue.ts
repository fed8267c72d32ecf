import { join } from "node:path";
import { openDatabase, takeDataFolder, type Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { systemClock, type Clock } from "../clock.ts";
import { JobStore } from "../jobs/job-store.ts";
import type { NotificationJournal } from "../journal/notification.ts";
import { migrations } from "../schema.ts";
import { RunningProcesses } from "../storage/running-processes.ts";
import { openStorageUnit, requireRepository } from "../storage/storage-unit.ts";
import { Catalogue } from "./catalogue.ts";
import { compareCatalogue, reconcileCatalogue } from "./reconciliation.ts";

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
}

/**
 * Rebuilds the catalogue from the repository alone: what it holds is listed, what it lacks is not. Images that are found
 * again never expire by themselves, since an expiration that was changed is known to the catalogue only; one that was
 * immutable stays so.
 * @throws DataFolderError when the primary runs; PrimaryError when there is no repository or restic fails
 */
export async function recoverCatalogue(options: RecoverCatalogueOptions): Promise<RecoveredCatalogue> {
  const { dataDir, log, clock = systemClock, resticProgram = "restic", dryRun } = options;
  requireRepository(dataDir);
  using _folder = takeDataFolder(dataDir);
  using database = openDatabase({ path: join(dataDir, "primary.db"), migrations });
  const processes = new RunningProcesses(database);
  await processes.killAll(log);
  const { restic } = await openStorageUnit(dataDir, resticProgram, processes);
  const [jobs, catalogue] = [new JobStore(database), new Catalogue(database)];
  const differences = compareCatalogue(catalogue.listAll(), await restic.listSnapshots(), (id) =>
    jobs.hasBackupId(id),
  );
  if (!dryRun) {
    await restic.removeLocks();
    const journal = options.journal(database);
    await reconcileCatalogue({ database, catalogue, jobs, journal, restic, clock, log });
  }
  const { unfinished, unknown, lost } = differences;
  return {
    images: catalogue.listAll().length,
    recovered: unknown.length,
    removed: unfinished.length,
    lost: lost.length,
  };
}
