import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PrimaryError } from "../errors.ts";
import { isInitialised, type RepositoryFiles } from "./repository-files.ts";
import { Restic } from "./restic.ts";
import type { RunningProcesses } from "./running-processes.ts";

/** The one storage unit of this slice; a policy names it, or null. */
export const defaultStorageUnit = "stu_local";

/** A storage unit: a name and the repository behind it. */
export interface StorageUnit {
  name: string;
  restic: Restic;
}

/** @throws PrimaryError `storage_unusable` when the folder holds no repository with its password */
export function requireRepository(dataDir: string): void {
  const files = filesOf(dataDir);
  if (isInitialised(files) && existsSync(files.passwordFile)) return;
  throw new PrimaryError(
    "storage_unusable",
    `there is no repository with its password in ${join(dataDir, "storage", defaultStorageUnit)}: name the primary's folder with --data`,
  );
}

function filesOf(dataDir: string): RepositoryFiles {
  const root = join(dataDir, "storage", defaultStorageUnit);
  return { repository: join(root, "repository"), passwordFile: join(root, "password") };
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
  const files = filesOf(dataDir);
  return { name: defaultStorageUnit, restic: new Restic({ program, files, workDir, processes }) };
}
