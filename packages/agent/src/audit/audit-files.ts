import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { readEntry, type AuditEntry } from "./entry.ts";

const name = /^audit-(\d{6,9})\.jsonl$/;
/** More than the longest entry has, bytes. */
const tailBytes = 128 * 1024;

/** One file of an audit. */
export interface AuditFile {
  number: number;
  path: string;
  bytes: number;
}

/** The files of an audit, the oldest first. */
export function listAuditFiles(dir: string): AuditFile[] {
  return readdirSync(dir)
    .flatMap((file) => {
      const [, number] = name.exec(file) ?? [];
      const path = join(dir, file);
      return number === undefined ? [] : [{ number: Number(number), path, bytes: statSync(path).size }];
    })
    .sort((a, b) => a.number - b.number);
}

/** Where a file of this number lies. */
export function auditFilePath(dir: string, number: number): string {
  return join(dir, `audit-${String(number).padStart(6, "0")}.jsonl`);
}

/**
 * Cuts off what a kill or a power cut left of a line that was not finished, which nobody was told was written.
 * @returns the file's length then, bytes
 */
export function cutUnfinished(path: string): number {
  const file = openSync(path, "r+");
  try {
    const { tail, size } = readTail(file);
    const unfinished = tail.length - (tail.lastIndexOf(0x0a) + 1);
    if (unfinished > 0) ftruncateSync(file, size - unfinished);
    return size - unfinished;
  } finally {
    closeSync(file);
  }
}

/** The last entry of a file; undefined when it has none, "unreadable" when the last line is no entry or was changed. */
export function lastEntry(path: string): { entry: AuditEntry; hash: string } | undefined | "unreadable" {
  const file = openSync(path, "r");
  try {
    const lines = readTail(file)
      .tail.toString()
      .split("\n")
      .filter((line) => line !== "");
    const last = lines.at(-1);
    if (last === undefined) return undefined;
    const found = readEntry(last);
    return found === undefined || found.hash !== found.stated ? "unreadable" : found;
  } finally {
    closeSync(file);
  }
}

function readTail(file: number): { tail: Buffer; size: number } {
  const { size } = fstatSync(file);
  const tail = Buffer.alloc(Math.min(size, tailBytes));
  readSync(file, tail, 0, tail.length, size - tail.length);
  return { tail, size };
}
