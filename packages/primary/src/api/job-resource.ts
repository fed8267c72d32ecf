import type { Job, JobLogLine } from "../jobs/job.ts";
import { describeStatus } from "../status-codes.ts";
import type { ApiVersion } from "./media-type.ts";

const never = new Date(0).toISOString();

/** From version 9.0 on jobs have cursor paging and ISO durations. */
export function hasCursorPaging(version: ApiVersion): boolean {
  return version.major >= 9;
}

/** A job as `/admin/jobs` shows it. */
export function jobResource(job: Job, context: { version: ApiVersion; nowMs: number; primaryName: string }) {
  const isNew = hasCursorPaging(context.version);
  const isDone = job.state === "DONE";
  const startMs = job.startedAtMs ?? job.queuedAtMs;
  const elapsedMs = Math.max(0, (job.endedAtMs ?? context.nowMs) - startMs);
  const elapsedS = Math.floor(elapsedMs / 1000);
  const elapsedTime = isNew ? isoDuration(elapsedS) : clockDuration(elapsedS);
  const self = `/admin/jobs/${job.id}`;
  return {
    type: "job",
    id: String(job.id),
    links: {
      self: { href: self },
      "file-lists": { href: `${self}/file-lists` },
      "try-logs": { href: `${self}/try-logs` },
    },
    ...(isNew ? { meta: { page: { cursor: String(job.id) } } } : {}),
    attributes: {
      jobId: job.id,
      parentJobId: 0,
      activeProcessId: isDone ? 0 : job.processId,
      mainProcessId: 0,
      jobType: job.type,
      jobSubType: job.type === "BACKUP" ? "IMMEDIATE" : "USERBACKUP",
      policyType: "STANDARD",
      policyName: job.policyName,
      scheduleType: "FULL_BACKUP",
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
      streamNumber: 0,
      copyNumber: job.type === "BACKUP" ? 1 : 0,
      restartable: 0,
      suspendable: 0,
      resumable: 0,
      cancellable: job.state === "QUEUED" || job.state === "ACTIVE" ? 1 : 0,
      state: job.state === "CANCELLING" ? "ACTIVE" : job.state,
      status: job.status,
      priority: 0,
      try: job.startedAtMs === null ? 0 : 1,
      percentComplete: job.percentComplete,
      currentFile: job.currentFile,
      currentOperation: job.type === "BACKUP" ? 3 : 14,
      kilobytesTransferred: job.kilobytes,
      kilobytesDataTransferred: job.kilobytes,
      kilobytesToTransfer: job.kilobytesTotal,
      transferRate: elapsedMs === 0 ? 0 : Math.floor((job.kilobytes * 1000) / elapsedMs),
      numberOfFiles: job.files,
      estimatedFiles: job.filesTotal,
      compression: 0,
      startTime: isoTime(startMs),
      activeTryStartTime: isoTime(startMs),
      // Old clients wait for a time after 1970; new ones for the attribute.
      ...(job.endedAtMs !== null ? { endTime: isoTime(job.endedAtMs) } : isNew ? {} : { endTime: never }),
      lastUpdateTime: isoTime(job.updatedAtMs),
      elapsedTime,
      activeElapsedTime: elapsedTime,
      offHostType: "STANDARD",
    },
  };
}

/** The log of a job's one try as `try-logs` shows it. */
export function tryLogResource(job: Job, lines: readonly JobLogLine[], primaryName: string) {
  const href = `/admin/jobs/${job.id}/try-logs/1`;
  const startMs = job.startedAtMs ?? job.queuedAtMs;
  const seconds = ((job.endedAtMs ?? job.updatedAtMs) - startMs) / 1000;
  return {
    type: "parsedTryLogResponse",
    id: `${job.id}-1`,
    links: { self: { href }, first: { href }, last: { href } },
    attributes: {
      tryJobId: job.id,
      tryNumber: 1,
      tryStartTime: isoTime(startMs),
      tryEndTime: job.endedAtMs === null ? never : isoTime(job.endedAtMs),
      tryStatusCode: job.status,
      tryStatusMessage: describeStatus(job.status).text,
      tryProcessId: job.processId,
      tryKbps: seconds > 0 ? job.kilobytes / seconds : 0,
      tryKbWritten: job.kilobytes,
      tryFilesWritten: job.files,
      tryMediaServer: primaryName,
      tryDestinationStorageUnit: job.storageUnit,
      tryLog: lines.map(({ atMs, severity, message }) => ({ timestamp: isoTime(atMs), severity, message })),
    },
  };
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
