import { statSync } from "node:fs";
import { Failure } from "./failure.ts";

/**
 * Lets root go on as the user that a data folder belongs to: what is made in it then belongs to that user as well, whose server could not
 * read it otherwise. For anybody else nothing changes. What only root can read has to be read before.
 * @throws Failure when there is no such folder
 */
export function becomeOwnerOf(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) {
    throw new Failure(`there is no folder ${folder}: name the server's folder with --data`, { exitCode: 2 });
  }
  const { uid, gid } = found;
  if (process.getuid?.() !== 0 || uid === 0) return;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}
