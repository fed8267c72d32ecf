import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { isCredible } from "../clients/client-unit.ts";
import type { Clock } from "../clock.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { imageNotification, type NotificationJournal } from "../journal/notification.ts";
import type { Snapshot } from "../storage/restic-output.ts";

import { unconfirmedTag, type Restic } from "../storage/restic.ts";
import { wormLockOn } from "../storage/storage-settings.ts";
import type { Catalogue } from "./catalogue.ts";
import { readPolicyType } from "../policies/policy-type.ts";
import type { CatalogueImage, ImageScheduleType } from "./image.ts";

/** What reconciliation works on. */
export interface ReconciliationOptions {
  database: Database;
  catalogue: Catalogue;
  jobs: JobStore;
  journal: NotificationJournal;
  /** Whose repository is compared. */
  unit: { name: string; restic: Pick<Restic, "forget" | "measure" | "listSnapshotIds"> };
  /** All of its snapshots. */
  snapshots: readonly Snapshot[];
  clock: Clock;
  log: Logger;
}

/** What has to be done to make catalogue and repository equal, of one storage unit. */
export interface Differences {
  /** Snapshots of jobs of ours that did not end with an image, or of streams that were cut off: to be forgotten. */
  unfinished: Snapshot[];
  /** Snapshots with a backup id that the catalogue has lost, or an older one has made: to be catalogued. */
  unknown: Snapshot[];
  /** Images whose snapshot is gone: to be deleted from the catalogue. */
  lost: CatalogueImage[];
  /** Images whose snapshot is there and can't be read now: they stay, since a disk or a network may get well again. */
  unreadable: CatalogueImage[];
}

/**
 * Compares the catalogue with the snapshots of one storage unit. A snapshot whose job did not commit an image is forgotten rather than
 * catalogued: whether it is whole (restic's exit code) went with the process, and its job has been reported as failed.
 * Snapshots without a backup id are not ours and are left alone, and so is the copy of an image that lies elsewhere.
 * @param images those of every storage unit
 * @param madeNoImage whether a job of ours was to make that image, and has not
 */
export function compareCatalogue(
  images: readonly CatalogueImage[],
  snapshots: readonly Snapshot[],
  madeNoImage: (backupId: string) => boolean,
  storageUnit: string,
): Omit<Differences, "unreadable"> {
  const bySnapshot = new Set(images.map((image) => image.snapshotId));
  const byBackup = new Set(images.map((image) => image.backupId));
  const present = new Set(snapshots.map((snapshot) => snapshot.id));
  const uncatalogued = snapshots.filter(
    ({ id, tags }) => !bySnapshot.has(id) && parseBackupId(tags["backupId"]) !== undefined,
  );
  const isUnfinished = ({ tags }: Snapshot) =>
    madeNoImage(tags["backupId"] ?? "") || tags[unconfirmedTag] !== undefined;
  return {
    unfinished: uncatalogued.filter(isUnfinished),
    unknown: uncatalogued.filter(
      (snapshot) => !isUnfinished(snapshot) && !byBackup.has(snapshot.tags["backupId"] ?? ""),
    ),
    // An image that is being expired is finished by expiry, which is the one that notifies.
    lost: images.filter(
      (image) => image.storageUnit === storageUnit && !image.expiring && !present.has(image.snapshotId),
    ),
  };
}

/** What a storage unit's snapshots and the catalogue differ in. */
export async function findDifferences(
  options: Pick<ReconciliationOptions, "catalogue" | "jobs" | "snapshots" | "unit">,
): Promise<Differences> {
  const { catalogue, jobs, unit, snapshots } = options;
  const madeNoImage = (backupId: string) => jobs.hasMadeNoImage(backupId, unit.name);
  const credible = snapshots.filter((snapshot) => isCredible(unit.name, snapshot));
  const differences = compareCatalogue(catalogue.listAll(), credible, madeNoImage, unit.name);
  // Restic leaves what it can't read out of a list of snapshots.
  const present = differences.lost.length === 0 ? new Set() : await unit.restic.listSnapshotIds();
  const isThere = ({ snapshotId }: CatalogueImage) => present.has(snapshotId);
  return {
    ...differences,
    lost: differences.lost.filter((image) => !isThere(image)),
    unreadable: differences.lost.filter(isThere),
  };
}

/** Makes the catalogue and a repository equal, before any job of this process uses it. */
export async function reconcileCatalogue(options: ReconciliationOptions): Promise<void> {
  const { database, catalogue, journal, unit, log } = options;
  const { unfinished, unknown, lost, unreadable } = await findDifferences(options);
  for (const { backupId } of unreadable) log.error({ storageUnit: unit.name, backupId }, "image.unreadable");
  await unit.restic.forget(unfinished.map((snapshot) => snapshot.id));
  const imported: CatalogueImage[] = [];
  for (const snapshot of unknown) imported.push(await importImage(snapshot, options));
  if (unfinished.length + imported.length + lost.length === 0) return;
  database.transaction(() => {
    for (const image of imported) catalogue.insert(image);
    for (const image of lost) catalogue.delete(image.backupId);
    journal.append([
      ...imported.map((image) => imageNotification(image, "CREATE")),
      ...lost.map((image) => imageNotification(image, "DELETE")),
    ]);
  });
  journal.flush?.();
  log.warn(
    {
      storageUnit: unit.name,
      forgotten: unfinished.length,
      imported: imported.length,
      lost: lost.length,
    },
    "catalogue.reconciled",
  );
}

async function importImage(snapshot: Snapshot, options: ReconciliationOptions): Promise<CatalogueImage> {
  const { bytes, files } = await options.unit.restic.measure(snapshot.id);
  const backupId = snapshot.tags["backupId"] ?? "";
  return {
    backupId,
    snapshotId: snapshot.id,
    clientName: snapshot.hostName,
    policyName: snapshot.tags["policy"] ?? "",
    scheduleName: snapshot.tags["schedule"] ?? "",
    scheduleType: readScheduleType(snapshot.tags["scheduleType"]),
    policyType: readPolicyType(snapshot.tags["policyType"]),
    storageUnit: options.unit.name,
    jobId: Number.parseInt(snapshot.tags["job"] ?? "0", 10) || 0,
    backupTimeS: parseBackupId(backupId) ?? 0,
    createdAtS: Math.floor(options.clock.nowMs() / 1000),
    elapsedS: 0,
    kilobytes: Math.ceil(bytes / 1024),
    kilobytesStored: 0,
    files,
    status: 0,
    expiresAtMs: null,
    wormUntilMs: wormLockOn(snapshot),
    expiring: false,
  };
}

const scheduleTypes: readonly ImageScheduleType[] = [
  "FULL",
  "DIFFERENTIAL_INCREMENTAL",
  "CUMULATIVE_INCREMENTAL",
];

/** Snapshots of older versions say nothing, and were full. */
function readScheduleType(tag: string | undefined): ImageScheduleType {
  return scheduleTypes.find((type) => type === tag) ?? "FULL";
}

/** The time in a backup id, epoch seconds. */
function parseBackupId(backupId: string | undefined): number | undefined {
  const [, seconds] = /^.+_(\d{1,12})$/.exec(backupId ?? "") ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}
