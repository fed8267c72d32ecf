import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";

/** Where a storage unit keeps its repository and the file with its password. */
export interface RepositoryFiles {
  repository: string;
  passwordFile: string;
}

/** Whether the repository has been initialised: its config is what restic writes last. */
export function isInitialised({ repository }: RepositoryFiles): boolean {
  return existsSync(join(repository, "config"));
}

/**
 * Makes the folder ready for `restic init`, or checks that an existing repository can be opened at all.
 * The password is made once, and never for a repository that was encrypted with another.
 * @throws PrimaryError `password_file_missing`, or `storage_unusable` when a repository has lost its config
 */
export async function prepareRepositoryFiles(files: RepositoryFiles): Promise<void> {
  const { repository, passwordFile } = files;
  const hasPassword = existsSync(passwordFile);
  if (isInitialised(files)) {
    if (hasPassword) return;
    throw new PrimaryError(
      "password_file_missing",
      `${repository} holds a repository, but its password file ${passwordFile} is missing: put it back from your copy`,
    );
  }
  await mkdir(repository, { recursive: true, mode: 0o700 });
  if (await hasSnapshots(repository)) {
    throw new PrimaryError(
      "storage_unusable",
      `${repository} holds snapshots but no config: it is damaged, restore it from a copy`,
    );
  }
  // A killed init may leave a key that the next one's config is not encrypted with.
  await rm(join(repository, "keys"), { recursive: true, force: true });
  if (!hasPassword) await writeFileDurably(passwordFile, newPassword(), 0o600);
}

/** A password that nobody has to remember, as its file holds it. */
export function newPassword(): string {
  return `${randomBytes(32).toString("hex")}\n`;
}

async function hasSnapshots(repository: string): Promise<boolean> {
  const folder = join(repository, "snapshots");
  return existsSync(folder) && (await readdir(folder)).length > 0;
}
