import { chmod, lstat, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { failureStatus } from "../backup/backup-status.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { JobOutcome } from "../jobs/job-lifecycle.ts";
import type { JobWork, JobWorkContext } from "../jobs/job-run.ts";
import type { Job, LogSeverity } from "../jobs/job.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { describeErrorLine } from "../storage/restic-output.ts";
import { pathBytes } from "../storage/path-text.ts";
import type { ResticResult } from "../storage/restic-process.ts";
import type { Restic } from "../storage/restic.ts";
import type { StorageUnit } from "../storage/storage-unit.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import { makeParents, moveIntoPlace } from "./move-into-place.ts";
import { failedPaths } from "./restore-errors.ts";
import type { PlannedMove } from "./restore-plan.ts";
import { findStagingParent, type StagingFolders } from "./staging.ts";

/** What a RESTORE job keeps of its request. */
export const restoreRequestSchema = z.object({
  moves: z.array(z.object({ backupId: z.string(), path: z.string(), destination: z.string() })),
  overwriteExistingFiles: z.boolean(),
  /** Another machine; without it this one. */
  destinationClient: z.string().optional(),
});

/** What a RESTORE job does. */
export type RestoreRequest = z.infer<typeof restoreRequestSchema>;

/** What a restore works with. */
export interface RestoreOptions {
  units: StorageUnits;
  catalogue: Catalogue;
  staging: StagingFolders;
}

interface Report {
  log: { severity: LogSeverity; message: string }[];
  /** Files and subtrees that were put into place. */
  placed: number;
  files: number;
  bytes: number;
  skipped: number;
  failed: number;
  /** The status of a run of restic that failed. */
  status: number | undefined;
}

/** Makes the work of a RESTORE job: restic writes into a staging folder, from which the files are moved into place. */
export function restoreWork(options: RestoreOptions): JobWork {
  return (job, context) => restoreAll(options, job, context);
}

async function restoreAll(options: RestoreOptions, job: Job, context: JobWorkContext): Promise<JobOutcome> {
  const request = restoreRequestSchema.parse(job.request);
  const report: Report = { log: [], placed: 0, files: 0, bytes: 0, skipped: 0, failed: 0, status: undefined };
  const groups = await groupMoves(request.moves, report);
  for (const [index, group] of groups.entries()) {
    if (context.signal.aborted) break;
    const scope = { ...options, job, context, request, report };
    const unit = unitOf(scope, group);
    if (unit === undefined) continue;
    try {
      await unit.ready();
      await unit.restic.lock.withShared(() => restoreGroup(scope, group, unit.restic), context.signal);
    } catch (error) {
      if (context.signal.aborted) break;
      if (!(error instanceof PrimaryError)) throw error;
      // Images on other storage units can still be restored.
      report.failed += group.moves.length;
      report.status = error.netbackupCode;
      report.log.push({ severity: "ERROR", message: error.message });
    }
    context.onProgress({
      percentComplete: Math.floor((100 * (index + 1)) / groups.length),
      kilobytes: Math.ceil(report.bytes / 1024),
      kilobytesTotal: Math.ceil(report.bytes / 1024),
      files: report.files,
      filesTotal: report.files,
      currentFile: "",
    });
  }
  if (context.signal.aborted && report.placed > 0) {
    const message = `stopped after ${report.files} files had been put into place, each of them whole: they stay, the others are as they were`;
    report.log.push({ severity: "WARNING", message });
  }
  return { status: restoreStatus(report, context.signal.aborted), log: report.log };
}

function restoreStatus(report: Report, cancelled: boolean): number {
  if (cancelled) return 150;
  if (report.placed === 0 && report.skipped === 0) return report.status ?? 5;
  return report.failed > 0 || report.skipped > 0 || report.status !== undefined ? 1 : 0;
}

interface MoveGroup {
  backupId: string;
  stagingParent: string;
  moves: PlannedMove[];
}

/** What comes from one image and goes to one file system is one run of restic. */
async function groupMoves(moves: readonly PlannedMove[], report: Report): Promise<MoveGroup[]> {
  const groups = new Map<string, MoveGroup>();
  for (const move of moves) {
    let stagingParent: string;
    try {
      stagingParent = await findStagingParent(move.destination);
    } catch (error) {
      // The other selections can still be restored.
      report.failed += 1;
      report.log.push({ severity: "ERROR", message: (error as Error).message });
      continue;
    }
    const key = JSON.stringify([move.backupId, stagingParent]);
    const group = groups.get(key) ?? { backupId: move.backupId, stagingParent, moves: [] };
    group.moves.push(move);
    groups.set(key, group);
  }
  return [...groups.values()];
}

interface GroupContext extends RestoreOptions {
  job: Job;
  context: JobWorkContext;
  request: RestoreRequest;
  report: Report;
}

/** Where a group's image lies; undefined when it has expired. */
function unitOf(scope: GroupContext, group: MoveGroup): StorageUnit | undefined {
  const image = scope.catalogue.find(group.backupId);
  if (image !== undefined) return scope.units.get(image.storageUnit);
  noteExpired(scope, group);
  return undefined;
}

function noteExpired({ report }: GroupContext, group: MoveGroup): void {
  report.failed += group.moves.length;
  report.log.push({ severity: "ERROR", message: `the image ${group.backupId} has expired meanwhile` });
}

async function restoreGroup(scope: GroupContext, group: MoveGroup, restic: Restic): Promise<void> {
  const { catalogue, staging, job, context, report } = scope;
  const image = catalogue.find(group.backupId);
  if (image === undefined) return noteExpired(scope, group);
  const folder = await staging.make(group.stagingParent, job.id);
  try {
    const result = await restic.restore({
      snapshotId: image.snapshotId,
      paths: group.moves.map(({ path }) => path),
      target: folder,
      onStart: context.onProcess,
      signal: context.signal,
    });
    const wentWrong = result.code !== 0;
    const severity: LogSeverity = wentWrong ? "ERROR" : "INFO";
    report.log.push(
      ...result.errorLines.map((line) => ({ severity, message: `restic: ${describeErrorLine(line)}` })),
    );
    if (!wentWrong) return await placeAll(scope, group, folder);
    report.status = restoreFailure(result);
    // Some files were written wholly, others in part: only where restic names these, the others can be put into place.
    const broken = context.signal.aborted ? undefined : failedPaths(result.errorLines);
    if (broken === undefined) return;
    for (const path of broken) await rm(join(folder, path), { recursive: true, force: true });
    report.failed += broken.length;
    await placeAll(scope, group, folder);
  } finally {
    await removeStaging(scope, folder);
  }
}

/** The status of a run that failed: it is the destination that a restore fills. */
function restoreFailure(result: ResticResult): number {
  const status = failureStatus(result) ?? 5;
  return status === 129 ? 14 : status;
}

async function placeAll(scope: GroupContext, group: MoveGroup, folder: string): Promise<void> {
  const { request, report, context } = scope;
  for (const { path, destination } of group.moves) {
    if (context.signal.aborted) return;
    const staged = path === "/" ? folder : join(folder, path);
    if ((await lstat(pathBytes(staged)).catch(() => undefined)) === undefined) {
      report.failed += 1;
      report.log.push({ severity: "ERROR", message: `${path} is not in the image ${group.backupId}` });
      continue;
    }
    // What nothing had a mode for got the staging folder's own.
    if (path === "/") await chmod(folder, 0o755);
    const before = report.failed + report.skipped;
    await place({ ...scope, request, report }, staged, destination);
    if (report.failed + report.skipped === before) {
      report.log.push({ severity: "INFO", message: `${path} restored to ${destination}` });
    }
  }
}

async function place(scope: GroupContext, staged: string, destination: string): Promise<void> {
  const { request, report, context } = scope;
  // A tree may have millions of files; the job's log keeps no more, and says that lines are missing.
  const note = (severity: LogSeverity, message: string) => {
    if (report.log.length <= limits.maxJobLogLines) report.log.push({ severity, message });
  };
  await makeParents(dirname(destination));
  await moveIntoPlace(staged, destination, {
    overwriteExistingFiles: request.overwriteExistingFiles,
    signal: context.signal,
    onPlaced: ({ files, bytes }) => {
      report.placed += 1;
      report.files += files;
      report.bytes += bytes;
    },
    onSkipped: (path) => {
      report.skipped += 1;
      note("WARNING", `${path} exists and was left as it is (overwriteExistingFiles is false)`);
    },
    onFailed: (path, reason) => {
      report.failed += 1;
      note("ERROR", `${path}: ${reason}`);
    },
  });
}

async function removeStaging(scope: GroupContext, folder: string): Promise<void> {
  try {
    await scope.staging.remove(folder);
  } catch (error) {
    // The record of it stays, so the next start tries again.
    scope.report.log.push({ severity: "WARNING", message: `${folder}: ${(error as Error).message}` });
  }
}
