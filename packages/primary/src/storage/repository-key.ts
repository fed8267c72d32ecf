import { randomBytes } from "node:crypto";
import { constants, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openDatabase, takeDataFolder, writeFileDurably } from "@sallyport/durable";
import { migrations } from "../schema.ts";
import { RunningProcesses } from "./running-processes.ts";
import { defaultStorageUnit, openStorageUnit, requireRepository } from "./storage-unit.ts";

/** Which repository's key is meant. */
export interface RepositoryKeyOptions {
  dataDir: string;
  /** The restic program; found in PATH by default. */
  resticProgram?: string;
}

/** The file with the repository's password. */
function passwordFileOf(dataDir: string): string {
  return join(dataDir, "storage", defaultStorageUnit, "password");
}

/**
 * Copies the repository's password into a new file with mode 0600, also while the primary runs. Whoever has it and
 * the repository can read every image, and nobody can without it.
 * @throws Error when there is no password yet, or the file exists
 */
export async function exportRepositoryKey(dataDir: string, file: string): Promise<void> {
  requireRepository(dataDir);
  const password = await readFile(passwordFileOf(dataDir));
  await using handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  await handle.writeFile(password);
  await handle.sync();
}

/**
 * Gives the repository of a stopped primary a new password; the old one no longer opens it. Wherever it is interrupted the
 * password file opens the repository, and doing it again finishes it. What was encrypted stays encrypted with the same
 * master key: who had the old password *and* a copy of the repository's old key file can still read that copy.
 * @throws DataFolderError when the primary runs; PrimaryError `storage_unusable` when restic fails
 */
export async function rotateRepositoryKey(options: RepositoryKeyOptions): Promise<{ removedKeys: number }> {
  const { dataDir, resticProgram = "restic" } = options;
  requireRepository(dataDir);
  using _folder = takeDataFolder(dataDir);
  using database = openDatabase({ path: join(dataDir, "primary.db"), migrations });
  const { restic } = await openStorageUnit(dataDir, resticProgram, new RunningProcesses(database));
  const passwordFile = passwordFileOf(dataDir);
  const nextFile = `${passwordFile}.next`;
  await writeFileDurably(nextFile, `${randomBytes(32).toString("hex")}\n`, 0o600);
  await restic.addKey(nextFile);
  await rename(nextFile, passwordFile);
  await syncFolder(dirname(passwordFile));
  return { removedKeys: await restic.removeOtherKeys() };
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}
