import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";

/** How two trees compare. */
export interface Comparison {
  files: number;
  bytes: number;
  /** Paths, relative to the trees, that are missing, extra or different; at most the first 20. */
  differences: string[];
}

/** Compares every file of two folders by SHA-256, symlinks by where they point to, folders by being there. */
export async function compareTrees(source: string, copy: string): Promise<Comparison> {
  const [before, after] = [await describeTree(source), await describeTree(copy)];
  const differences: string[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(path)?.digest !== after.get(path)?.digest) differences.push(path);
  }
  const files = [...before.values()].filter(({ isFile }) => isFile);
  return {
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    differences: differences.slice(0, 20),
  };
}

interface Described {
  digest: string;
  bytes: number;
  isFile: boolean;
}

async function describeTree(root: string): Promise<Map<string, Described>> {
  const tree = new Map<string, Described>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    tree.set(relative(root, path), await describe(path));
  }
  return tree;
}

async function describe(path: string): Promise<Described> {
  const stat = await lstat(path);
  if (stat.isSymbolicLink()) return { digest: `link ${await readlink(path)}`, bytes: 0, isFile: false };
  if (!stat.isFile()) return { digest: "not a file", bytes: 0, isFile: false };
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return { digest: hash.digest("hex"), bytes: stat.size, isFile: true };
}
