import { z } from "zod";
import { limits } from "../limits.ts";

const nodeSchema = z.object({
  struct_type: z.literal("node"),
  name: z.string(),
  type: z.string(),
  path: z.string(),
  uid: z.number().default(0),
  gid: z.number().default(0),
  size: z.number().default(0),
  mode: z.number().default(0),
  mtime: z.string(),
  atime: z.string().optional(),
  ctime: z.string().optional(),
});

/** A file, folder or anything else that a snapshot holds. */
export interface SnapshotEntry {
  /** As restic's JSON has it: U+FFFD stands for what is no UTF-8, until `Restic.listEntries` has found out what it is. */
  path: string;
  name: string;
  isFolder: boolean;
  /** Bytes; 0 for what is no regular file. */
  size: number;
  /** Permission bits as in `stat`. */
  mode: number;
  uid: number;
  gid: number;
  modifiedMs: number;
  accessedMs: number;
  changedMs: number;
}

/** Reads entries from the output of `restic ls --json`, no faster than they are taken. */
export async function* readEntries(
  output: AsyncIterable<Buffer>,
): AsyncGenerator<SnapshotEntry, void, undefined> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of output) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > limits.maxOutputLineBytes) throw new Error("a line of restic ls is too long");
    for (const line of lines) {
      const entry = parseEntry(line);
      if (entry !== undefined) yield entry;
    }
  }
}

function parseEntry(line: string): SnapshotEntry | undefined {
  if (line === "") return undefined;
  // The first line is the snapshot itself.
  const node = nodeSchema.safeParse(JSON.parse(line)).data;
  if (node === undefined) return undefined;
  const time = (text: string | undefined) => Date.parse(text ?? node.mtime) || 0;
  return {
    path: node.path,
    name: node.name,
    isFolder: node.type === "dir",
    size: node.type === "file" ? node.size : 0,
    // Go keeps the kind of file in the high bits; the permissions are the low nine.
    mode: node.mode & 0o777,
    uid: node.uid,
    gid: node.gid,
    modifiedMs: time(node.mtime),
    accessedMs: time(node.atime),
    changedMs: time(node.ctime),
  };
}
