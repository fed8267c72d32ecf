import { z } from "zod";
import { isParent } from "../jobs/job-family.ts";
import type { Obstacle } from "../jobs/job-selection.ts";
import type { ChildCounts } from "../jobs/job-store.ts";
import { canHappen, shownState } from "../jobs/job-state.ts";
import type { Job, JobLogLine, JobTry } from "../jobs/job.ts";
import { jobPolicyType } from "../policies/policy-type.ts";
import { describeStatus } from "../status-codes.ts";
import type { ApiVersion } from "./media-type.ts";

const never = new Date(0).toISOString();

/** From version 9.0 on jobs have cursor paging and ISO durations. */
export function hasCursorPaging(version: ApiVersion): boolean {
  return version.major >= 9;
}

/** What a job is shown with. */
export interface JobResourceContext {
  version: ApiVersion;
  nowMs: number;
  primaryName: string;
  /** Its children; undefined when it is no parent. */
  children: ChildCounts | undefined;
  /** What it waits for. */
  obstacle: Obstacle | undefined;
  /** Its place in the order of the list, for version 9.0 and later. */
  cursor: string;
}

/** A failed backup that has ended can be run again as a new job; and a parent of which some streams have failed. */
export function isRestartable(job: Job, children: ChildCounts | undefined): boolean {
  const hasFailed = job.status > 1 || (job.status === 1 && (children?.failed ?? 0) > 0);
  return job.state === "DONE" && job.type === "BACKUP" && hasFailed;
}

/** Whether a backup can be suspended: a parent through its children. */
function isSuspendable(job: Job, children: ChildCounts | undefined): boolean {
  if (job.type !== "BACKUP") return false;
  if (children !== undefined) return children.suspendable > 0;
  return canHappen(job.state, "suspend") && job.state !== "SUSPENDING";
}

const operations = { BACKUP: 3, RESTORE: 14, VERIFY: 13 } as const;
const parentOperation = 27;

/** A job as `/admin/jobs` shows it. */
export function jobResource(job: Job, context: JobResourceContext) {
  const { children } = context;
  const isNew = hasCursorPaging(context.version);
  const isDone = job.state === "DONE";
  const startMs = job.startedAtMs ?? job.queuedAtMs;
  const elapsedMs = Math.max(0, (job.endedAtMs ?? context.nowMs) - startMs);
  const elapsedS = Math.floor(elapsedMs / 1000);
  const elapsedTime = isNew ? isoDuration(elapsedS) : clockDuration(elapsedS);
  const tryMs = Math.max(0, (job.endedAtMs ?? context.nowMs) - (job.tryStartedAtMs ?? startMs));
  const tryS = Math.floor(tryMs / 1000);
  const self = `/admin/jobs/${job.id}`;
  return {
    type: "job",
    id: String(job.id),
    links: {
      self: { href: self },
      "file-lists": { href: `${self}/file-lists` },
      "try-logs": { href: `${self}/try-logs` },
    },
    ...(isNew ? { meta: { page: { cursor: context.cursor } } } : {}),
    attributes: {
      jobId: job.id,
      parentJobId: job.parentId,
      // Each version has members of its own (NetBackup REST, jobs; 4.0 and 9.0 on).
      ...(isNew
        ? {
            jobPath: job.parentId === 0 ? String(job.id) : `${job.parentId}.${job.id}`,
            childCount: children?.all ?? 0,
            activeElapsedTime: isoDuration(tryS),
          }
        : { initiatorId: job.owner }),
      ...(job.type === "RESTORE" ? { restoreBackupIDs: restoredImages(job.request) } : {}),
      activeProcessId: isDone ? 0 : job.processId,
      mainProcessId: 0,
      jobType: job.type,
      jobSubType: job.subType,
      policyType: jobPolicyType(job.policyType),
      policyName: job.policyName,
      scheduleType: job.scheduleType,
      scheduleName: job.scheduleName,
      clientName: job.clientName,
      controlHost: context.primaryName,
      jobOwner: job.owner,
      jobGroup: "",
      ...(job.backupId === null ? {} : { backupId: job.backupId }),
      sourceMediaId: "",
      sourceStorageUnitName: job.type === "RESTORE" ? job.storageUnit : "",
      sourceMediaServerName: job.type === "RESTORE" ? context.primaryName : "",
      destinationMediaId: "",
      destinationStorageUnitName: job.type === "BACKUP" ? job.storageUnit : "",
      destinationMediaServerName: job.type === "BACKUP" ? context.primaryName : "",
      dataMovement: "STANDARD",
      streamNumber: job.streamNumber,
      copyNumber: job.type === "BACKUP" ? 1 : 0,
      restartable: isRestartable(job, children) ? 1 : 0,
      suspendable: isSuspendable(job, children) ? 1 : 0,
      resumable: job.state === "SUSPENDED" || (children?.suspended ?? 0) > 0 ? 1 : 0,
      cancellable: canHappen(job.state, "cancel") && job.state !== "CANCELLING" ? 1 : 0,
      ...queueing(context.obstacle),
      state: shownState(job.state),
      status: job.status,
      priority: job.priority,
      try: job.tries,
      percentComplete: job.percentComplete,
      currentFile: job.currentFile,
      currentOperation: isParent(job) ? parentOperation : operations[job.type],
      kilobytesTransferred: job.kilobytes,
      kilobytesDataTransferred: job.kilobytes,
      kilobytesToTransfer: job.kilobytesTotal,
      transferRate: tryMs === 0 ? 0 : Math.floor((job.kilobytes * 1000) / tryMs),
      numberOfFiles: job.files,
      estimatedFiles: job.filesTotal,
      compression: 0,
      startTime: isoTime(startMs),
      activeTryStartTime: isoTime(job.tryStartedAtMs ?? startMs),
      // Old clients wait for a time after 1970; new ones for the attribute.
      ...(job.endedAtMs !== null ? { endTime: isoTime(job.endedAtMs) } : isNew ? {} : { endTime: never }),
      lastUpdateTime: isoTime(job.updatedAtMs),
      elapsedTime,
      offHostType: "STANDARD",
    },
  };
}

const movesSchema = z.object({ moves: z.array(z.object({ backupId: z.string() })) });

/** The images that a restore reads, as NetBackup writes lists of them. */
function restoredImages(request: unknown): string {
  const { moves } = movesSchema.safeParse(request).data ?? { moves: [] };
  return [...new Set(moves.map(({ backupId }) => backupId))].join(",");
}

/** NetBackup's MAX_STORAGE_UNIT_JOBS, and LOGICAL_RESOURCE for what is none of its devices. */
const queueReasons = { primary: 24, "storage unit": 5, policy: 24 } as const;

function queueing(obstacle: Obstacle | undefined) {
  if (obstacle === undefined) return {};
  const { kind, name, limit } = obstacle;
  return {
    jobQueueReason: queueReasons[kind],
    jobQueueResource: `${`${kind} ${name}`.trim()}, ${limit} ${limit === 1 ? "job" : "jobs"} at once`,
  };
}

/** The log of one of a job's tries as `try-logs` shows it. */
export function tryLogResource(job: Job, attempt: JobTry, log: TryLogContext) {
  const link = (number: number) => ({ href: `/admin/jobs/${job.id}/try-logs/${number}` });
  const { number } = attempt;
  const seconds = ((attempt.endedAtMs ?? job.updatedAtMs) - attempt.startedAtMs) / 1000;
  // The row of a try that still runs is brought up to date at its end.
  const isRunning = attempt.endedAtMs === null;
  const kilobytes = isRunning ? job.kilobytes : attempt.kilobytes;
  return {
    type: "parsedTryLogResponse",
    id: `${job.id}-${number}`,
    links: {
      self: link(number),
      first: link(1),
      last: link(log.lastTry),
      ...(number > 1 ? { prev: link(number - 1) } : {}),
      ...(number < log.lastTry ? { next: link(number + 1) } : {}),
    },
    attributes: {
      tryJobId: job.id,
      tryNumber: number,
      tryStartTime: isoTime(attempt.startedAtMs),
      tryEndTime: attempt.endedAtMs === null ? never : isoTime(attempt.endedAtMs),
      tryStatusCode: attempt.status,
      tryStatusMessage: describeStatus(attempt.status).text,
      tryProcessId: isRunning ? job.processId : attempt.processId,
      tryKbps: seconds > 0 ? kilobytes / seconds : 0,
      tryKbWritten: kilobytes,
      tryFilesWritten: isRunning ? job.files : attempt.files,
      tryMediaServer: log.primaryName,
      tryDestinationStorageUnit: job.storageUnit,
      tryLog: log.lines.map(({ atMs, severity, message }) => ({
        timestamp: isoTime(atMs),
        severity,
        message,
      })),
    },
  };
}

/** What a try's log is shown with. */
export interface TryLogContext {
  lines: readonly JobLogLine[];
  lastTry: number;
  primaryName: string;
}

/** `PT5M46S` */
export function isoDuration(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = `${hours > 0 ? `${hours}H` : ""}${minutes > 0 ? `${minutes}M` : ""}${rest > 0 ? `${rest}S` : ""}`;
  return `PT${text === "" ? "0S" : text}`;
}

/** `00:05:46` */
export function clockDuration(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
