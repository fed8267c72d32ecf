import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Restic } from "./restic.ts";
import type { RunningProcesses } from "./running-processes.ts";

/** The one storage unit of this slice; a policy names it, or null. */
export const defaultStorageUnit = "stu_local";

/** A storage unit: a name and the repository behind it. */
export interface StorageUnit {
  name: string;
  restic: Restic;
}

/** Opens the default storage unit in `dataDir/storage/stu_local`; the repository itself is made when first used. */
export async function openStorageUnit(
  dataDir: string,
  program: string,
  processes: RunningProcesses,
): Promise<StorageUnit> {
  const root = join(dataDir, "storage", defaultStorageUnit);
  const workDir = join(root, "restic");
  await rm(join(workDir, "tmp"), { recursive: true, force: true });
  await mkdir(join(workDir, "tmp"), { recursive: true, mode: 0o700 });
  const files = { repository: join(root, "repository"), passwordFile: join(root, "password") };
  return { name: defaultStorageUnit, restic: new Restic({ program, files, workDir, processes }) };
}
