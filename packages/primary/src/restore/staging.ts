import { lstat, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { isOdd, pathBytes } from "../storage/path-text.ts";

/** The staging folders that exist, so that a crash leaves none behind. */
export class StagingFolders {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes a folder that only we can enter below `parent`; its name is recorded first. */
  async make(parent: string, jobId: number): Promise<string> {
    const path = join(parent, `.sallyport-restore-${jobId}`);
    this.#database.prepare("INSERT OR REPLACE INTO staging_folders VALUES (?, ?)").run(path, jobId);
    await mkdir(path, { mode: 0o700 });
    return path;
  }

  async remove(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true });
    this.#database.prepare("DELETE FROM staging_folders WHERE path = ?").run(path);
  }

  /** Removes what a killed primary left. */
  async removeAll(log: Logger): Promise<void> {
    const rows = this.#database.prepare("SELECT path FROM staging_folders").all() as { path: string }[];
    for (const { path } of rows) {
      try {
        await this.remove(path);
      } catch (error) {
        // Its file system may not be mounted now; the next start tries again.
        log.warn({ err: error, path }, "restore.staging_not_removed");
      }
    }
  }
}

/**
 * The nearest folder above `destination` that exists and whose name is UTF-8: there a staging folder is on the same file system.
 * @throws Error when a symbolic link is on the way: it could lead a restore anywhere
 */
export async function findStagingParent(destination: string): Promise<string> {
  if (destination === "/") return "/";
  const ancestors: string[] = [];
  for (let path = dirname(destination); ; path = dirname(path)) {
    ancestors.unshift(path);
    if (path === "/") break;
  }
  let parent: { path: string; device: number } | undefined;
  for (const path of ancestors) {
    const found = await lstat(pathBytes(path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (found === undefined) break;
    if (found.isSymbolicLink()) {
      throw new Error(`${path} is a symbolic link, which a restore does not follow: name the real folder`);
    }
    if (!found.isDirectory()) throw new Error(`${path} is not a folder: choose another destination`);
    // Restic can't be told a folder whose name is no text.
    if (!isOdd(path)) parent = { path, device: found.dev };
    else if (found.dev !== parent?.device) {
      throw new Error(
        `${path} is a file system of its own whose name is not UTF-8: choose another destination`,
      );
    }
  }
  return parent?.path ?? "/";
}
