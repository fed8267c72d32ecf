import { statfsSync } from "node:fs";
import { checksOf, fail, pass, type Check } from "./check.ts";

/** Less than this is too little for an outbox at its bound, bytes. */
const leastBytes = 512 * 1024 * 1024;

/** Whether there is room where the agent keeps its outbox. */
export function checkDisk(dir: string): Check[] {
  const { bavail, bsize } = statfsSync(dir);
  return checksOf(dir, [judgeDisk(bavail * bsize)]);
}

/** The same, of a number of free bytes. */
export function judgeDisk(freeBytes: number): Check {
  const found = `${Math.floor(freeBytes / 1024 / 1024)} MiB are free`;
  if (freeBytes >= leastBytes) return pass("disk", found);
  const todo =
    "free space: without it no notification can be kept, and the audit stops all commands but reading";
  return fail("disk", found, todo);
}
