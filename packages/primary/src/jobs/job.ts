import type { PolicyType } from "../policies/policy-type.ts";
import type { JobState } from "./job-state.ts";

/** What kinds of work there are. */
export type JobType = "BACKUP" | "RESTORE" | "VERIFY";

/** Who asked for a job: an administrator, the scheduler, or a user (restores). */
export type JobSubType = "IMMEDIATE" | "SCHEDULED" | "USERBACKUP";

/** What a backup reads: everything, or what has changed since the last backup or the last full one. */
export type ScheduleType =
  | "FULL_BACKUP"
  | "DIFFERENTIAL_INCREMENTAL_BACKUP"
  | "CUMULATIVE_INCREMENTAL_BACKUP";

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
  /** The job that made this one as a part of itself; 0: none. */
  parentId: number;
  /** Which part of its parent it is, from 1; 0: none. */
  streamNumber: number;
  /** The job that this one was made from by a restart; 0: none. */
  restartOf: number;
  subType: JobSubType;
  scheduleType: ScheduleType;
  type: JobType;
  state: JobState;
  /** A NetBackup status; 0 until the job is DONE. */
  status: number;
  clientName: string;
  /** Empty for a restore. */
  policyName: string;
  policyType: PolicyType;
  scheduleName: string;
  storageUnit: string;
  owner: string;
  /** Higher goes first. */
  priority: number;
  /** How often it has begun. */
  tries: number;
  /** How often it may begin before a failure is final. */
  maxTries: number;
  /** Jobs of the policy that may run at once; 0: any number. */
  jobLimit: number;
  /** When the start window of a scheduled job closes, epoch ms; null: it may begin at any time. */
  windowEndMs: number | null;
  /** When a REQUEUED job may begin again, epoch ms. */
  dueAtMs: number | null;
  /** What the job has to do: a `BackupRequest` or a `RestoreRequest`. */
  request: unknown;
  /** The image that a backup makes; given when it starts. */
  backupId: string | null;
  queuedAtMs: number;
  startedAtMs: number | null;
  /** When its latest try began. */
  tryStartedAtMs: number | null;
  endedAtMs: number | null;
  updatedAtMs: number;
  /** The process id of its restic, 0 before it starts. */
  processId: number;
}

/** What a new job is made of. */
export type NewJob = Pick<
  Job,
  "type" | "clientName" | "policyName" | "scheduleName" | "storageUnit" | "owner" | "request"
> &
  Partial<
    Pick<
      Job,
      | "parentId"
      | "streamNumber"
      | "restartOf"
      | "subType"
      | "scheduleType"
      | "policyType"
      | "priority"
      | "maxTries"
      | "jobLimit"
      | "windowEndMs"
    >
  >;

/** How much a line of a job's log matters. */
export type LogSeverity = "INFO" | "WARNING" | "ERROR";

/** One try of a job. */
export interface JobTry {
  number: number;
  startedAtMs: number;
  endedAtMs: number | null;
  status: number;
  processId: number;
  kilobytes: number;
  files: number;
}

/** A line of a job's log. */
export interface JobLogLine {
  atMs: number;
  severity: LogSeverity;
  message: string;
}
