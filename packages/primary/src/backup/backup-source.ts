import type { JobOutcome } from "../jobs/job-lifecycle.ts";
import type { Job } from "../jobs/job.ts";
import type { BackupStatusMessage, BackupSummary } from "../storage/restic-output.ts";
import type { SnapshotRun } from "../storage/restic.ts";
import type { StorageUnit } from "../storage/storage-unit.ts";

/** What a source backs up, and into what. */
export interface SourceRun {
  job: Job;
  /** Where to; it can be used, and is held shared. */
  unit: StorageUnit;
  /** Paths, or the name of a database. */
  selections: readonly string[];
  /** What the snapshot bears. */
  snapshot: SnapshotRun;
  signal: AbortSignal;
  onProcess: (pid: number) => void;
  onProgress: (message: BackupStatusMessage) => void;
}

/** How that ended. */
export interface SourceOutcome {
  /** 0 and 1: there is a snapshot. */
  status: number;
  log: NonNullable<JobOutcome["log"]>;
  summary: BackupSummary | undefined;
  /** The snapshot's full id, where it is known without asking the repository for it. */
  snapshotId?: string | undefined;
}

/** One kind of thing that can be backed up: this machine's files, a database, another machine's files. */
export type BackupSource = (run: SourceRun) => Promise<SourceOutcome>;
