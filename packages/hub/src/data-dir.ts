import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HubError } from "./errors.ts";

/** A data folder that this process alone uses. */
export interface DataDir extends Disposable {
  path(name: string): string;
  /** Lets others use it. Calling it again does nothing. */
  close(): void;
}

/**
 * Makes the data folder (mode 0700) and takes it for this process. The lock is SQLite's own on a file: the system drops it when
 * the process ends, however it ends.
 * @throws HubError `data_dir_in_use`
 */
export async function takeDataDir(dir: string): Promise<DataDir> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  const lock = new DatabaseSync(join(dir, "lock"), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    const message = `${dir} is in use by another hub; stop it, or give this one another data folder`;
    throw new HubError("data_dir_in_use", message, { cause });
  }
  const close = () => {
    if (lock.isOpen) lock.close();
  };
  return { path: (name) => join(dir, name), close, [Symbol.dispose]: close };
}
