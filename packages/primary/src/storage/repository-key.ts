import { existsSync } from "node:fs";
import { constants, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openDatabase, takeDataFolder, writeFileDurably } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";
import { migrations } from "../schema.ts";
import { newPassword } from "./repository-files.ts";
import { RunningProcesses } from "./running-processes.ts";
import { storageNameSchema } from "./storage-configuration.ts";
import { defaultStorageUnit } from "./storage-unit.ts";
import { StorageUnits } from "./storage-units.ts";

/** Which repository's key is meant. */
export interface RepositoryKeyOptions {
  dataDir: string;
  /** `stu_local` by default. */
  storageUnit?: string | undefined;
  /** The restic program; found in PATH by default. */
  resticProgram?: string | undefined;
}

/** The file with a repository's password. @throws PrimaryError `storage_unusable` when there is none */
function requirePassword({ dataDir, storageUnit = defaultStorageUnit }: RepositoryKeyOptions): string {
  const folder = join(dataDir, "storage", storageUnit);
  const file = join(folder, "password");
  const mark = storageUnit === defaultStorageUnit ? join("repository", "config") : "initialised";
  const isName = storageNameSchema.safeParse(storageUnit).success;
  if (isName && existsSync(file) && existsSync(join(folder, mark))) return file;
  throw new PrimaryError(
    "storage_unusable",
    `there is no repository with its password in ${folder}: name the primary's folder with --data, and one of its storage units`,
  );
}

/**
 * Copies the repository's password into a new file with mode 0600, also while the primary runs. Whoever has it and
 * the repository can read every image, and nobody can without it.
 * @throws PrimaryError `storage_unusable` when there is no password yet, `already_exists` when the file is there
 */
export async function exportRepositoryKey(
  options: Pick<RepositoryKeyOptions, "dataDir" | "storageUnit"> & { file: string },
): Promise<void> {
  const password = await readFile(requirePassword(options));
  await using handle = await open(
    options.file,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
    0o600,
  ).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
    throw new PrimaryError("already_exists", `${options.file} is there already: name another file`, {
      cause: error,
    });
  });
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
  const { dataDir, storageUnit = defaultStorageUnit, resticProgram } = options;
  const passwordFile = requirePassword(options);
  using _folder = takeDataFolder(dataDir);
  using database = openDatabase({ path: join(dataDir, "primary.db"), migrations });
  const processes = new RunningProcesses(database);
  await using units = new StorageUnits({ dataDir, database, processes, program: resticProgram });
  const unit = units.get(storageUnit);
  await unit.ready();
  const { restic } = unit;
  const nextFile = `${passwordFile}.next`;
  await writeFileDurably(nextFile, newPassword(), 0o600);
  await restic.addKey(nextFile);
  await rename(nextFile, passwordFile);
  await syncFolder(dirname(passwordFile));
  return { removedKeys: await restic.removeOtherKeys() };
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}
