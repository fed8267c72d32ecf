import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

/** The names of all files below a folder, with `/` between folder and file. */
export async function listFiles(dir: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(dir, prefix))) {
    const name = prefix === "" ? entry : `${prefix}/${entry}`;
    const found = await stat(join(dir, name));
    if (found.isDirectory()) names.push(...(await listFiles(dir, name)));
    else if (found.isFile()) names.push(name);
  }
  return names.sort((a, b) => a.localeCompare(b));
}

/** A file's size and SHA-256, hex. */
export async function describeFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

/**
 * Makes a folder (mode 0700) where there is none, and takes one that is empty.
 * @returns false when it has something in it
 */
export async function makeEmptyFolder(dir: string): Promise<boolean> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return (await readdir(dir)).length === 0;
}

/** Has a file or folder, and the folder that it is in, on disk before it returns. */
export async function syncToDisk(path: string): Promise<void> {
  for (const name of [path, dirname(path)]) {
    const handle = await open(name, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
