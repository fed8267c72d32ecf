import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";

/** What a subtree holds. */
export interface TreeSize {
  /** Everything but folders. */
  files: number;
  /** Sizes of regular files added up; a hard link counts each time. */
  bytes: number;
}

const slash = Buffer.from("/");

/**
 * Counts a file or a folder and all below it, without following symbolic links.
 * @param path bytes, since names need not be UTF-8
 * @param stats what `lstat` gave for it
 */
export async function measureTree(path: Buffer, stats: Stats): Promise<TreeSize> {
  if (!stats.isDirectory()) return { files: 1, bytes: stats.isFile() ? stats.size : 0 };
  const total: TreeSize = { files: 0, bytes: 0 };
  for (const name of await readdir(path, { encoding: "buffer" })) {
    const below = Buffer.concat([path, slash, name]);
    const { files, bytes } = await measureTree(below, await lstat(below));
    total.files += files;
    total.bytes += bytes;
  }
  return total;
}
