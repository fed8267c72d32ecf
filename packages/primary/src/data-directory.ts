import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PrimaryError } from "./errors.ts";

/** A data folder held by this process alone. */
export interface DataDirectory extends Disposable {
  path: string;
}

/**
 * Makes the data folder when it is missing and locks it for the lifetime of this process; the kernel releases the lock
 * when the process ends, however it ends.
 * @throws PrimaryError `data_dir_in_use` when another process holds it
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(path, "lock"));
  try {
    lock.exec("PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    throw new PrimaryError(
      "data_dir_in_use",
      `another process uses the data folder ${path}: stop it, or name another folder`,
      { cause: error },
    );
  }
  return {
    path,
    [Symbol.dispose]: () => {
      if (lock.isOpen) lock.close();
    },
  };
}
