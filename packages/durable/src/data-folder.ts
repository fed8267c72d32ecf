import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What each code means to whoever starts a server. */
export const dataFolderErrors = {
  data_dir_in_use: "another process uses the folder",
  data_dir_unusable: "the folder can't be made or written",
} as const;

/** A data folder that can't be taken; the message says why and what to do. */
export class DataFolderError extends Error {
  readonly code: keyof typeof dataFolderErrors;

  constructor(code: keyof typeof dataFolderErrors, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DataFolderError";
    this.code = code;
  }
}

/** A data folder that this process alone uses, until it is disposed of. */
export interface DataFolder extends Disposable {
  /** A path in it. */
  path(name: string): string;
}

/**
 * Makes a data folder (mode 0700) and takes it for this process. The lock is SQLite's own on a file: the kernel drops
 * it when the process ends, however it ends.
 * @throws DataFolderError
 */
export function takeDataFolder(folder: string): DataFolder {
  let lock: DatabaseSync;
  try {
    makeFolder(folder);
    chmodSync(folder, 0o700);
    lock = new DatabaseSync(join(folder, "lock"), { timeout: 0 });
  } catch (cause) {
    const why = (cause as Error).message;
    throw new DataFolderError("data_dir_unusable", `the data folder ${folder} can't be used: ${why}`, {
      cause,
    });
  }
  try {
    lock.exec("PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    const message = `the data folder ${folder} is in use by another process; stop that, or name another folder`;
    throw new DataFolderError("data_dir_in_use", message, { cause });
  }
  return {
    path: (name) => join(folder, name),
    [Symbol.dispose]: () => {
      if (lock.isOpen) lock.close();
    },
  };
}

/** Node's own `recursive` never returns where a file system refuses new folders with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  mkdirSync(folder, { mode: 0o700 });
}
