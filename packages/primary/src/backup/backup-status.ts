import type { ResticResult } from "../storage/restic-process.ts";
import { storageStatus } from "../storage/storage-failure.ts";

/** Turns the end of `restic backup` into a NetBackup status. */
export function backupStatus(
  result: ResticResult,
  circumstances: { cancelled: boolean; missing: number },
): number {
  // A snapshot that was complete when the cancel came is kept.
  if (result.code === 0) return circumstances.missing > 0 ? 1 : 0;
  if (circumstances.cancelled) return 150;
  if (result.code === 3) return 1;
  return failureStatus(result) ?? 6;
}

/** The status that restic's own words stand for: disk full, storage unusable, killed; undefined when they say nothing. */
export function failureStatus(result: ResticResult): number | undefined {
  if (result.code === null) return 50;
  const text = result.errorLines.join("\n");
  if (/all (target|source) directories\/files do not exist/i.test(text)) return 71;
  return storageStatus(text);
}
