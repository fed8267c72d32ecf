import { chmod, copyFile, mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import { HubError } from "../errors.ts";
import { copyDatabase, readLogEnd } from "./database-copy.ts";
import { describeFile, listFiles, makeEmptyFolder, syncToDisk } from "./files.ts";
import { manifestName, type BackupManifest } from "./manifest.ts";

/** What is backed up, and where to. */
export interface BackupOptions {
  /** The hub's data folder; the hub may run. */
  dataDir: string;
  /** A folder that is not there yet or is empty. */
  to: string;
  /** Whether the certificates and keys in the data folder are copied too. */
  withSecrets: boolean;
  /** Epoch ms. */
  now: () => number;
}

/** What a backup has made. */
export interface BackedUp {
  manifest: BackupManifest;
  /** Files of the data folder that are not in it, for want of `withSecrets`. */
  leftOut: string[];
}

const logName = "log.sqlite";
/** Secrets of webhooks: each is there before the log says that its webhook is, so that they are copied after the log. */
const afterLog: ReadonlySet<string> = new Set(["webhooks.sqlite"]);
/** Belongs to a running process. */
const passing = /(?:^lock|-wal|-shm|-journal|\.tmp)$/;

/**
 * Copies a hub's data folder while the hub runs. All that was acknowledged before the call is in the copy. What refers to the log (views and
 * the like) is copied before it, so that nothing in the backup refers to events that the backup does not have; keys come after what
 * was made with them. A power cut leaves a folder without a manifest, which is no backup.
 * @throws HubError `bad_option` when a folder is not what it should be, `bad_backup` when the copy turns out damaged
 */
export async function backUp(options: BackupOptions): Promise<BackedUp> {
  const { dataDir, to, withSecrets, now } = options;
  const madeAt = new Date(now()).toISOString();
  const before = readEndOf(dataDir);
  if (!(await makeEmptyFolder(to))) {
    throw new HubError("bad_option", `${to} is not empty; name a folder that is not there yet`);
  }
  const { databases, secrets } = await sort(dataDir);
  const files: BackupManifest["files"] = [];
  const isLate = (name: string) => afterLog.has(name);
  const early = databases.filter((name) => !isLate(name));
  const names = [...early, logName, ...databases.filter(isLate), ...(withSecrets ? secrets : [])];
  for (const name of names) {
    const target = join(to, name);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    if (name.endsWith(".sqlite")) await copyDatabase(join(dataDir, name), target);
    else await copySecret(join(dataDir, name), target);
    await syncToDisk(target);
    files.push({ name, ...(await describeFile(target)) });
  }
  const log = readLogEnd(join(to, logName));
  if (log.lastPosition < before.lastPosition) {
    const message = `the copied log ends at position ${log.lastPosition}, the hub was at ${before.lastPosition} already`;
    throw new HubError("bad_backup", message);
  }
  const manifest: BackupManifest = { format: 1, madeAt, log, hasSecrets: withSecrets, files };
  await writeFileDurably(join(to, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, 0o600);
  return { manifest, leftOut: withSecrets ? [] : secrets };
}

function readEndOf(dataDir: string): { lastPosition: number } {
  try {
    return readLogEnd(join(dataDir, logName));
  } catch (cause) {
    const message = `${dataDir} has no log of a hub that can be read: ${(cause as Error).message}`;
    throw new HubError("bad_option", message, { cause });
  }
}

/** Whatever is no database is a certificate or a key: nothing else lies in a data folder. */
async function sort(dataDir: string): Promise<{ databases: string[]; secrets: string[] }> {
  const names = (await listFiles(dataDir)).filter((name) => !passing.test(name));
  return {
    databases: names.filter((name) => name.endsWith(".sqlite") && name !== logName),
    secrets: names.filter((name) => !name.endsWith(".sqlite")),
  };
}

async function copySecret(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, (await stat(from)).mode & 0o600);
}
