import { lstat } from "node:fs/promises";
import type { LogSeverity } from "../jobs/job.ts";
import { describeErrorLine, type BackupSummary } from "../storage/restic-output.ts";
import { backupStatus } from "./backup-status.ts";
import { pathBytes } from "../storage/path-text.ts";
import type { BackupSource } from "./backup-source.ts";

/** What the backup of this machine's files works with. */
export interface FileBackupOptions {
  /** Patterns of this machine's exclude list. */
  excludes: () => readonly string[];
  /** Left out of every backup: the repository can't hold itself. */
  dataDir: string;
}

/** Backs up files of this machine. */
export function fileBackup({ excludes, dataDir }: FileBackupOptions): BackupSource {
  return async ({ job, unit, selections, snapshot, signal, onProcess, onProgress }) => {
    const missing = await findMissing(selections);
    let summary: BackupSummary | undefined;
    const result = await unit.restic.backup({
      ...snapshot,
      selections,
      excludedPaths: [dataDir],
      excludedPatterns: excludes(),
      rereadsAll: job.scheduleType === "FULL_BACKUP",
      signal,
      onStart: onProcess,
      onMessage: (message) => {
        if (message.message_type === "summary") summary = message;
        else onProgress(message);
      },
    });
    const status = backupStatus(result, { cancelled: signal.aborted, missing: missing.length });
    const severity: LogSeverity = status === 1 ? "WARNING" : "ERROR";
    const log = [
      ...missing.map((path) => ({ severity: "WARNING" as const, message: `${path} does not exist` })),
      ...result.errorLines.map((line) => ({ severity, message: `restic: ${describeErrorLine(line)}` })),
    ];
    const idPrefix = summary?.snapshot_id;
    const snapshotId = idPrefix === undefined ? undefined : await unit.restic.findSnapshotFile(idPrefix);
    return { status, log, summary, snapshotId };
  };
}

async function findMissing(selections: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const path of selections) {
    try {
      await lstat(pathBytes(path));
    } catch {
      // Whatever the reason, restic will meet it too and tells it in the log.
      missing.push(path);
    }
  }
  return missing;
}
