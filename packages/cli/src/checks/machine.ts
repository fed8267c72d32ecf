import { randomUUID } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { checkLimits } from "./limits.ts";
import { readLockHolder, readOpenFilesLimit, type Ownership } from "./machine-rules.ts";

/** SQLite's code for a database that another process holds. */
const busy = 5;

/** Owner and mode of a file or folder; undefined when it is not there. @throws Error when it can't be looked at */
export function ownershipOf(path: string): (Ownership & { isFolder: boolean }) | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return { path, uid: found.uid, mode: found.mode & 0o7777, isFolder: found.isDirectory() };
}

/** What lies in a folder and belongs to somebody else than the folder. */
export function strangersIn(folder: string, uid: number): Ownership[] {
  const found = readdirSync(folder).flatMap((name) => ownershipOf(join(folder, name)) ?? []);
  return found.filter((one) => one.uid !== uid);
}

/** The nearest folder above a path that is there. */
export function nearestFolder(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? nearestFolder(dirname(path)) : path;
}

/** Bytes that this user may still write there. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Writes a file in a folder page by page, each with an fsync as the log has one, and removes it again.
 * @returns what each fsync took, ms
 * @throws Error when the folder can't be written
 */
export function timeSyncs(folder: string): number[] {
  const path = join(folder, `.check-${randomUUID()}`);
  const page = Buffer.alloc(4096, 1);
  const durationsMs: number[] = [];
  const file = openSync(path, "wx", 0o600);
  try {
    const endMs = performance.now() + checkLimits.maxSyncMs;
    while (durationsMs.length < checkLimits.maxSyncs && performance.now() < endMs) {
      const beganMs = performance.now();
      writeSync(file, page);
      fsyncSync(file);
      durationsMs.push(performance.now() - beganMs);
    }
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
  return durationsMs;
}

/** Whether a process has taken the folder, without taking it: the lock is looked at for a moment only. @throws Error when the lock can't be looked at */
export function isTaken(folder: string): boolean {
  const path = join(folder, "lock");
  if (ownershipOf(path) === undefined) return false;
  using lock = new DatabaseSync(path, { readOnly: true, timeout: 0 });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_master").get();
    return false;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === busy) return true;
    throw error;
  }
}

/** The process that has taken a folder, where the system tells (Linux). */
export function holderOf(folder: string): number | undefined {
  try {
    return readLockHolder(readFileSync("/proc/locks", "utf8"), statSync(join(folder, "lock")).ino);
  } catch {
    // Another system, or one that hides it: then it is not known.
    return undefined;
  }
}

/** Most files that a process may open; `known` is false where the system does not tell. */
export function openFilesLimitOf(pid: number | "self"): { known: boolean; limit: number | undefined } {
  try {
    return { known: true, limit: readOpenFilesLimit(readFileSync(`/proc/${pid}/limits`, "utf8")) };
  } catch {
    // Another system, or another user's process.
    return { known: false, limit: undefined };
  }
}

/** Bytes of a database that hold something. @throws Error when it can't be read */
export function usedBytes(path: string): number {
  using database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  const sql =
    "SELECT (page_count - freelist_count) * page_size AS used FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
  return Number(database.prepare(sql).get()?.["used"] ?? 0);
}

/** Has SQLite look through a database, only reading. @returns what is wrong; undefined when it is good. @throws Error when it can't be read */
export function damageOf(path: string): string | undefined {
  using database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  const found = String(database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
  return found === "ok" ? undefined : found;
}

/** How many primaries the views have; 0 when there are no views yet. @throws Error when they can't be read */
export function countPrimaries(folder: string): number {
  const path = join(folder, "views.sqlite");
  if (ownershipOf(path) === undefined) return 0;
  using views = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  return Number(views.prepare("SELECT count(*) AS n FROM primaries").get()?.["n"] ?? 0);
}
