import type { Stats } from "node:fs";
import { chmod, chown, lstat, mkdir, readdir, rename, rm, unlink, utimes } from "node:fs/promises";
import { pathBytes, pathText } from "../storage/path-text.ts";
import { measureTree, type TreeSize } from "./measure-tree.ts";

/** How a subtree is moved. */
export interface MoveOptions {
  overwriteExistingFiles: boolean;
  /** Called for each file or subtree that was put into its place, with what it holds; a folder that was there holds nothing new. */
  onPlaced: (size: TreeSize) => void;
  /** Called for each file that was left as it is. */
  onSkipped: (path: string) => void;
  /** Called for each file that could not be put into its place. */
  onFailed: (path: string, reason: string) => void;
  signal: AbortSignal;
}

type PathBytes = Buffer;
const slash = Buffer.from("/");

/**
 * Moves a restored subtree into its place on the same file system. Where nothing is, the subtree is renamed as a whole,
 * which keeps owners, modes, times, extended attributes and hard links. Where a folder is, its entries are merged and it
 * gets the restored folder's owner, mode and times (to the microsecond, as Node sets them); what else it has it keeps. Symbolic links in the destination are never followed: they count
 * as existing files. Paths are bytes, since names need not be UTF-8.
 */
export async function moveIntoPlace(from: string, to: string, options: MoveOptions): Promise<void> {
  await move(pathBytes(from), pathBytes(to), options);
}

/** Makes the missing folders above a destination. */
export async function makeParents(folder: string): Promise<void> {
  await mkdir(pathBytes(folder), { recursive: true });
}

async function move(from: PathBytes, to: PathBytes, options: MoveOptions): Promise<void> {
  options.signal.throwIfAborted();
  const source = await lstat(from);
  const existing = await lstatIfExists(to);
  try {
    if (source.isDirectory() && existing?.isDirectory() === true) return await merge(from, to, options);
    if (existing !== undefined && !options.overwriteExistingFiles) return options.onSkipped(pathText(to));
    if (existing?.isDirectory() === true) throw new Error("is a folder, and the backup has a file there");
    const size = await measureTree(from, source);
    if (existing === undefined) await rename(from, to);
    else await replace(from, to, source);
    options.onPlaced(size);
  } catch (error) {
    options.signal.throwIfAborted();
    // One file that can't be placed must not keep the others from it.
    options.onFailed(pathText(to), (error as Error).message);
  }
}

async function replace(from: PathBytes, to: PathBytes, source: Stats): Promise<void> {
  if (source.isDirectory()) await unlink(to);
  // Two hard links of one file: renaming one onto the other does nothing, so it has to go first.
  else if ((await lstat(to)).ino === source.ino) await rm(to, { force: true });
  await rename(from, to);
}

async function merge(from: PathBytes, to: PathBytes, options: MoveOptions): Promise<void> {
  const restored = await lstat(from);
  for (const name of await readdir(from, { encoding: "buffer" })) {
    await move(Buffer.concat([from, slash, name]), Buffer.concat([to, slash, name]), options);
  }
  options.onPlaced({ files: 0, bytes: 0 });
  if (!options.overwriteExistingFiles) return;
  await chown(to, restored.uid, restored.gid);
  await chmod(to, restored.mode & 0o7777);
  await utimes(to, restored.atimeMs / 1000, restored.mtimeMs / 1000);
}

async function lstatIfExists(path: PathBytes): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
