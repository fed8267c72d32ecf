import type { JobState } from "./job-state.ts";

/** What kinds of work there are. */
export type JobType = "BACKUP" | "RESTORE";

/** How far a job has come. */
export interface JobProgress {
  percentComplete: number;
  kilobytes: number;
  kilobytesTotal: number;
  files: number;
  filesTotal: number;
  currentFile: string;
}

/** A job as it is kept. */
export interface Job extends JobProgress {
  id: number;
  type: JobType;
  state: JobState;
  /** A NetBackup status; 0 until the job is DONE. */
  status: number;
  clientName: string;
  /** Empty for a restore. */
  policyName: string;
  scheduleName: string;
  storageUnit: string;
  owner: string;
  /** What the job has to do: a `BackupRequest` or a `RestoreRequest`. */
  request: unknown;
  /** The image that a backup makes; given when it starts. */
  backupId: string | null;
  queuedAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  updatedAtMs: number;
  /** The process id of its restic, 0 before it starts. */
  processId: number;
}

/** What a new job is made of. */
export type NewJob = Pick<
  Job,
  "type" | "clientName" | "policyName" | "scheduleName" | "storageUnit" | "owner" | "request"
>;

/** How much a line of a job's log matters. */
export type LogSeverity = "INFO" | "WARNING" | "ERROR";

/** A line of a job's log. */
export interface JobLogLine {
  atMs: number;
  severity: LogSeverity;
  message: string;
}
