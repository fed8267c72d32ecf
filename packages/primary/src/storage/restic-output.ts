import { z } from "zod";

// A client that was taken over may write anything: what no column of the database could hold is no message.
const count = z.int().min(0);

const statusSchema = z.object({
  message_type: z.literal("status"),
  percent_done: z.number().min(0).default(0),
  total_files: count.default(0),
  files_done: count.default(0),
  total_bytes: count.default(0),
  bytes_done: count.default(0),
  current_files: z.array(z.string()).default([]),
});

const summarySchema = z.object({
  message_type: z.literal("summary"),
  total_files_processed: count,
  total_bytes_processed: count,
  data_added: count,
  /** The beginning of the snapshot's id, or all of it, as the version of restic tells it. */
  snapshot_id: z
    .string()
    .regex(/^[0-9a-f]{8,64}$/)
    .optional()
    .catch(undefined),
});

const messageSchema = z.discriminatedUnion("message_type", [statusSchema, summarySchema]);

/** What `restic backup --json` says on standard output. */
export type BackupMessage = z.infer<typeof messageSchema>;

/** How far a backup has come. */
export type BackupStatusMessage = z.infer<typeof statusSchema>;

/** What a backup has read and added, at its end. */
export type BackupSummary = z.infer<typeof summarySchema>;

const snapshotSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.string(),
  hostname: z.string().default(""),
  tags: z.array(z.string()).nullish(),
});

/** A snapshot as `restic snapshots --json` lists it. */
export interface Snapshot {
  /** The full id. */
  id: string;
  hostName: string;
  /** `name=value` tags by their names. */
  tags: Readonly<Record<string, string>>;
}

/** Reads a line of `restic backup --json`; undefined for lines that we have no use for. */
export function parseBackupLine(line: string): BackupMessage | undefined {
  return messageSchema.safeParse(parseJson(line)).data;
}

/** Reads the output of `restic snapshots --json`. */
export function parseSnapshots(output: string): Snapshot[] {
  const found = z.array(snapshotSchema).nullable().parse(parseJson(output)) ?? [];
  return found.map(({ id, hostname, tags }) => ({
    id,
    hostName: hostname,
    tags: Object.fromEntries((tags ?? []).map(splitTag)),
  }));
}

/** The size of a snapshot as `restic stats --json` tells it. */
export function parseStats(output: string): { bytes: number; files: number } {
  const stats = z.object({ total_size: z.number(), total_file_count: z.number() }).parse(parseJson(output));
  return { bytes: stats.total_size, files: stats.total_file_count };
}

/** The keys of a repository as `restic key list --json` tells them. */
export function parseKeys(output: string): { id: string; current: boolean }[] {
  const schema = z.array(z.object({ id: z.string().regex(/^[0-9a-f]+$/), current: z.boolean() }));
  return schema.parse(parseJson(output));
}

/** Turns restic's lines on standard error into lines for a job's log; 0.14 writes a file's error as JSON. */
export function describeErrorLine(line: string): string {
  const failed = z
    .object({ message_type: z.literal("error"), during: z.string(), item: z.string(), error: z.unknown() })
    .safeParse(parseJson(line)).data;
  if (failed === undefined) return line;
  const error = z.object({ Op: z.string().optional(), Err: z.unknown() }).safeParse(failed.error).data;
  const reason =
    error === undefined ? JSON.stringify(failed.error) : `${error.Op ?? "error"} ${describeErrno(error.Err)}`;
  return `${failed.item}: ${failed.during}: ${reason}`;
}

function describeErrno(errno: unknown): string {
  return typeof errno === "number" ? `errno ${errno}` : JSON.stringify(errno ?? "");
}

function splitTag(tag: string): [string, string] {
  const at = tag.indexOf("=");
  return at === -1 ? [tag, ""] : [tag.slice(0, at), tag.slice(at + 1)];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Restic mixes plain text into its JSON.
    return undefined;
  }
}
