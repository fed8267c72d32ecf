import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

const snapshots = z.array(z.looseObject({ tags: z.array(z.string()).nullish() }));

/**
 * Asks restic itself, past the primary, whether an image's snapshot is in the repository.
 * @param primaryDir the primary's data folder
 */
export async function isInRepository(primaryDir: string, backupId: string): Promise<boolean> {
  const unit = join(primaryDir, "storage", "stu_local");
  const { stdout } = await promisify(execFile)("restic", [
    "snapshots",
    "--json",
    "--no-lock",
    "--no-cache",
    `--repo=${join(unit, "repository")}`,
    `--password-file=${join(unit, "password")}`,
  ]);
  return snapshots
    .parse(JSON.parse(stdout))
    .some(({ tags }) => tags?.includes(`backupId=${backupId}`) === true);
}
