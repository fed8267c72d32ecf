import { randomUUID } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { HubError } from "../errors.ts";
import { Recorder } from "../log/recorder.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { abortRollouts, holdCommands, skipPositions } from "./database-copy.ts";
import { describeFile, makeEmptyFolder, syncToDisk } from "./files.ts";
import { readManifest, type BackupManifest } from "./manifest.ts";

/** What is restored, and where to. */
export interface RestoreOptions {
  /** A folder that `backUp` has made. */
  from: string;
  /** The new data folder: not there yet, or empty. */
  dataDir: string;
  /** Checks everything and writes nothing. */
  dryRun: boolean;
  /** Epoch ms. */
  now: () => number;
}

const commandsName = "commands.sqlite";
const rolloutsName = "rollouts.sqlite";
/** More than a hub stores between its last backup and its end. */
const skippedPositions = 10_000_000_000;

/**
 * Makes a data folder from a backup. It appears whole or not at all: everything is made beside it, then renamed. The log goes on with an
 * event that says so, at a position that the hub which was backed up can't have given out.
 * @throws HubError `bad_backup` when the backup is not whole or not as it was made, `bad_option` when the data folder has something in it
 */
export async function restore(options: RestoreOptions): Promise<BackupManifest> {
  const { from, dryRun, now } = options;
  const dataDir = resolve(options.dataDir);
  const manifest = await readManifest(from);
  await verify(from, manifest);
  if (dryRun) return manifest;
  if (!(await makeEmptyFolder(dataDir))) {
    throw new HubError("bad_option", `${dataDir} is not empty; a backup is restored into a new folder only`);
  }
  const staging = await mkdtemp(join(dirname(dataDir), `.${basename(dataDir)}.restoring-`));
  try {
    await chmod(staging, 0o700);
    for (const { name } of manifest.files) {
      const target = join(staging, name);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await copyFile(join(from, name), target);
      await chmod(target, 0o600);
    }
    if (manifest.files.some(({ name }) => name === commandsName)) holdCommands(join(staging, commandsName));
    if (manifest.files.some(({ name }) => name === rolloutsName)) {
      const reason = `restored from the backup of ${manifest.madeAt}; targets may have been reached since`;
      abortRollouts(join(staging, rolloutsName), reason, now());
    }
    await continueLog(join(staging, "log.sqlite"), manifest, now);
    await removeEmpty(dataDir);
    for (const { name } of manifest.files) await syncToDisk(join(staging, name));
    await rename(staging, dataDir);
    await syncToDisk(dataDir);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  return manifest;
}

async function removeEmpty(dir: string): Promise<void> {
  try {
    await rmdir(dir);
  } catch (cause) {
    const message = `${dir} can't be replaced (${(cause as Error).message}); where it is a mount point, name a folder below it`;
    throw new HubError("bad_option", message, { cause });
  }
}

async function verify(from: string, { files }: BackupManifest): Promise<void> {
  if (!files.some(({ name }) => name === "log.sqlite")) {
    throw new HubError("bad_backup", `${from} is no backup of a hub: it has no log`);
  }
  for (const { name, bytes, sha256 } of files) {
    const found = await describeFile(join(from, name)).catch((cause: unknown) => {
      const message = `${name} of the backup can't be read: ${(cause as Error).message}`;
      throw new HubError("bad_backup", message, { cause });
    });
    if (found.bytes === bytes && found.sha256 === sha256) continue;
    throw new HubError("bad_backup", `${name} of the backup is not as it was made: its checksum differs`);
  }
}

async function continueLog(path: string, manifest: BackupManifest, now: () => number): Promise<void> {
  skipPositions(path, skippedPositions);
  await using log = openSqliteLog({ path, maxPendingEvents: 1 });
  const recorder = new Recorder({ log, now, newId: randomUUID });
  await recorder.record("sallyport.hub.restored", "/hub", {
    backedUpAt: manifest.madeAt,
    lastPosition: manifest.log.lastPosition,
  });
}
