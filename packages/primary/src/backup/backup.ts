import { hostname } from "node:os";
import type { CatalogueImage, ImageScheduleType } from "../catalogue/image.ts";
import type { Clock } from "../clock.ts";
import type { JobOutcome } from "../jobs/job-lifecycle.ts";
import type { JobWork, JobWorkContext } from "../jobs/job-run.ts";
import type { Job, ScheduleType } from "../jobs/job.ts";
import { expirationOf } from "../policies/schedule.ts";
import type { CommandFile } from "../premises/commands.ts";
import type { BackupStatusMessage, BackupSummary } from "../storage/restic-output.ts";
import type { Restic } from "../storage/restic.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";
import { wormLockOf } from "../storage/storage-settings.ts";
import { storageHint } from "../storage/storage-failure.ts";
import type { StorageUnit } from "../storage/storage-unit.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import { backupRequestSchema } from "./backup-job.ts";
import type { BackupSource } from "./backup-source.ts";
import { withCommands } from "./with-commands.ts";

/** What a backup works with. */
export interface BackupOptions {
  units: StorageUnits;
  clock: Clock;
  /** What a job of each type of policy reads. */
  sourceOf: (job: Job) => BackupSource;
  commands: Pick<CommandFile, "list">;
  processes: RunningProcesses;
}

/**
 * Makes the work of a BACKUP job: the policy's start command, one snapshot and the image that it makes, and the policy's
 * end command, which runs whenever the start command has, or would have.
 */
export function backupWork(options: BackupOptions): JobWork {
  return async (job, context) =>
    withCommands({ ...options, signal: context.signal }, job, async () => {
      const unit = options.units.get(job.storageUnit);
      await unit.ready();
      await unit.checkSpace();
      const { restic } = unit;
      // What an earlier try left must not be taken for what this one makes.
      const discarded = job.tries > 1 ? await discardSnapshot(restic, job) : [];
      const leftovers = [...discarded, ...(await useLooseData(unit))];
      let outcome: JobOutcome | undefined;
      try {
        outcome = await restic.lock.withShared(() => backUp(options, unit, job, context), context.signal);
      } finally {
        if (outcome?.image === undefined) unit.noteLooseData();
      }
      const log = [...leftovers, ...(outcome.log ?? []), ...noteFailure(unit, outcome)];
      if (outcome.image !== undefined) return { ...outcome, log };
      return { ...outcome, log: [...log, ...(await discardSnapshot(restic, job))] };
    });
}

/** What earlier backups have written before they were suspended, killed or cut off need not be written again. */
async function useLooseData(unit: StorageUnit): Promise<NonNullable<JobOutcome["log"]>> {
  try {
    const isUsed = await unit.indexLooseData();
    const message = "what backups that ended early have written is used, and not written again";
    return isUsed ? [{ severity: "INFO", message }] : [];
  } catch (error) {
    // Then it is written again.
    const message = `what backups that ended early have written is not used: ${(error as Error).message}`;
    return [{ severity: "WARNING", message }];
  }
}

/** What a failure of the storage means, where restic's words do not say it; the storage unit notes it. */
function noteFailure(unit: StorageUnit, { status, log = [] }: JobOutcome): NonNullable<JobOutcome["log"]> {
  if (status !== 2106) return [];
  const lines = log.filter(({ severity }) => severity === "ERROR").map(({ message }) => message);
  const hint = storageHint(lines.join("\n"));
  unit.noteDown(hint === "" ? lines : [...lines, hint]);
  return hint === "" ? [] : [{ severity: "ERROR", message: hint }];
}

async function backUp(
  options: BackupOptions,
  unit: StorageUnit,
  job: Job,
  context: JobWorkContext,
): Promise<JobOutcome> {
  const { units, clock } = options;
  const { restic } = unit;
  const { selections, retention } = backupRequestSchema.parse(job.request);
  const backupId = job.backupId ?? "";
  const timeS = Number(backupId.slice(backupId.lastIndexOf("_") + 1));
  const expiresAtMs = expirationOf(timeS * 1000, retention);
  const { useWorm } = units.settings.get(job.storageUnit);
  const wormUntilMs = useWorm ? wormLockOf(timeS * 1000, expiresAtMs) : null;
  const made = await options.sourceOf(job)({
    job,
    unit,
    selections,
    snapshot: {
      hostName: job.clientName,
      tags: {
        backupId,
        policy: job.policyName,
        job: String(job.id),
        schedule: job.scheduleName,
        scheduleType: imageScheduleType(job.scheduleType),
        ...(job.policyType === "Standard" ? {} : { policyType: job.policyType }),
        // So that a lost catalogue does not make the image mutable.
        ...(wormUntilMs === null ? {} : { worm: String(wormUntilMs) }),
      },
      timeS,
    },
    signal: context.signal,
    onProcess: context.onProcess,
    onProgress: (message) => context.onProgress(progressOf(message)),
  });
  const { status, log, summary, snapshotId } = made;
  if (status > 1) return { status, log };
  const foundId = snapshotId ?? (await findSnapshotId(restic, backupId));
  if (foundId === undefined) {
    return {
      status: 6,
      log: [...log, { severity: "ERROR", message: `no snapshot of ${backupId} was found` }],
    };
  }
  const image = imageOf({
    snapshotId: foundId,
    job,
    timeS,
    status,
    summary,
    expiresAtMs,
    wormUntilMs,
    nowMs: clock.nowMs(),
  });
  context.onProgress({
    percentComplete: 100,
    kilobytes: image.kilobytes,
    kilobytesTotal: image.kilobytes,
    files: image.files,
    filesTotal: image.files,
    currentFile: "",
  });
  const counts = `${image.files} files, ${image.kilobytes} KB, ${image.kilobytesStored} KB new to the repository`;
  return { status, image, log: [...log, { severity: "INFO", message: `image ${backupId}: ${counts}` }] };
}

/** Asks the repository itself: it knows the full id, and whether the snapshot is really there. */
async function findSnapshotId(restic: Restic, backupId: string): Promise<string | undefined> {
  const [snapshot] = await restic.listSnapshots({ name: "backupId", value: backupId });
  return snapshot?.id;
}

function imageOf(made: {
  snapshotId: string;
  job: Job;
  timeS: number;
  status: number;
  summary: BackupSummary | undefined;
  expiresAtMs: number | null;
  wormUntilMs: number | null;
  nowMs: number;
}): CatalogueImage {
  const { snapshotId, job, timeS, status, summary, expiresAtMs, wormUntilMs, nowMs } = made;
  return {
    backupId: job.backupId ?? "",
    snapshotId,
    clientName: job.clientName,
    policyName: job.policyName,
    scheduleName: job.scheduleName,
    scheduleType: imageScheduleType(job.scheduleType),
    policyType: job.policyType,
    storageUnit: job.storageUnit,
    jobId: job.id,
    backupTimeS: timeS,
    createdAtS: Math.floor(nowMs / 1000),
    elapsedS: Math.max(0, Math.round((nowMs - (job.startedAtMs ?? nowMs)) / 1000)),
    kilobytes: kilobytes(summary?.total_bytes_processed ?? 0),
    kilobytesStored: kilobytes(summary?.data_added ?? 0),
    files: summary?.total_files_processed ?? 0,
    status,
    expiresAtMs,
    wormUntilMs,
    expiring: false,
  };
}

/** A backup that was interrupted at its very end may have made its snapshot: it was not asked for any more. */
async function discardSnapshot(restic: Restic, job: Job): Promise<NonNullable<JobOutcome["log"]>> {
  const tag = { name: "backupId", value: job.backupId ?? "" };
  try {
    const found = await restic.lock.withShared(() => restic.listSnapshots(tag));
    if (found.length === 0) return [];
    await restic.lock.withExclusive(() => restic.forget(found.map((snapshot) => snapshot.id)));
    return [{ severity: "INFO", message: "the snapshot of this job was removed" }];
  } catch (error) {
    // The storage is why the job failed, most likely; the next start of the primary removes the snapshot.
    return [
      { severity: "WARNING", message: `no look for a snapshot of this job: ${(error as Error).message}` },
    ];
  }
}

function progressOf(message: BackupStatusMessage) {
  return {
    percentComplete: Math.min(99, Math.floor(message.percent_done * 100)),
    kilobytes: kilobytes(message.bytes_done),
    kilobytesTotal: kilobytes(message.total_bytes),
    files: message.files_done,
    filesTotal: message.total_files,
    currentFile: message.current_files[0] ?? "",
  };
}

function imageScheduleType(type: ScheduleType): ImageScheduleType {
  return type.replace(/_BACKUP$/, "") as ImageScheduleType;
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1024);
}

/** The names by which this machine may be a policy's client. */
export function localClientNames(primaryName: string): string[] {
  return [...new Set([primaryName, hostname(), "localhost"])];
}
