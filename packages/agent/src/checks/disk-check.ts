import { statfsSync } from "node:fs";
import type { Check } from "./check.ts";

/** Less than this is too little for an outbox at its bound, bytes. */
const leastBytes = 512 * 1024 * 1024;

/** Whether there is room where the agent keeps its outbox. */
export function checkDisk(dir: string): Check {
  const { bavail, bsize } = statfsSync(dir);
  return judgeDisk(dir, bavail * bsize);
}

/** The same, of a number of free bytes. */
export function judgeDisk(subject: string, freeBytes: number): Check {
  const detail = `${Math.floor(freeBytes / 1024 / 1024)} MiB are free`;
  const about = { name: "disk", subject, detail };
  if (freeBytes >= leastBytes) return { ...about, outcome: "PASS" };
  const advice =
    "free space: without it no notification can be kept, and the audit stops all commands but reading";
  return { ...about, outcome: "FAIL", advice };
}
