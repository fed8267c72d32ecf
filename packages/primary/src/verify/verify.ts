import { z } from "zod";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { JobOutcome } from "../jobs/job-lifecycle.ts";
import type { JobWork } from "../jobs/job-run.ts";
import { describeErrorLine } from "../storage/restic-output.ts";
import type { StorageUnits } from "../storage/storage-units.ts";

/** What a VERIFY job keeps of its request. */
export const verifyRequestSchema = z.object({ backupIds: z.array(z.string()) });

/** What a verification works with. */
export interface VerifyOptions {
  units: StorageUnits;
  catalogue: Catalogue;
}

/** Makes the work of a VERIFY job: every byte of each image is read from the storage, decrypted and compared with its hash. */
export function verifyWork(options: VerifyOptions): JobWork {
  const { units, catalogue } = options;
  return async (job, context) => {
    const { backupIds } = verifyRequestSchema.parse(job.request);
    const log: NonNullable<JobOutcome["log"]>[number][] = [];
    let [good, kilobytes, files] = [0, 0, 0];
    for (const [index, backupId] of backupIds.entries()) {
      if (context.signal.aborted) break;
      const image = catalogue.find(backupId);
      if (image === undefined) {
        log.push({ severity: "ERROR", message: `the image ${backupId} has expired meanwhile` });
        continue;
      }
      const unit = units.get(image.storageUnit);
      await unit.ready();
      const { restic } = unit;
      const result = await restic.lock.withShared(
        () => restic.readAll(image.snapshotId, { onStart: context.onProcess, signal: context.signal }),
        context.signal,
      );
      if (result.code === 0) {
        good += 1;
        kilobytes += image.kilobytes;
        files += image.files;
        log.push({ severity: "INFO", message: `${backupId}: all data was read and is as it was written` });
      } else {
        const lines = result.errorLines.map((line) => `restic: ${describeErrorLine(line)}`);
        log.push(
          ...[`${backupId}: its data can't be read`, ...lines].map((message) => ({
            severity: "ERROR" as const,
            message,
          })),
        );
      }
      context.onProgress({
        percentComplete: Math.floor((100 * (index + 1)) / backupIds.length),
        kilobytes,
        kilobytesTotal: kilobytes,
        files,
        filesTotal: files,
        currentFile: backupId,
      });
    }
    if (context.signal.aborted) return { status: 150, log };
    return { status: good === backupIds.length ? 0 : good === 0 ? 191 : 1, log };
  };
}
