import { join } from "node:path";
import type { HubSettings } from "@sallyport/hub";
import { formatBytes } from "../output/progress.ts";
import { attempt, fail, pass, warn, type Check } from "@sallyport/agent";
import {
  countPrimaries,
  damageOf,
  freeBytes,
  holderOf,
  isTaken,
  nearestFolder,
  openFilesLimitOf,
  ownershipOf,
  strangersIn,
  timeSyncs,
  usedBytes,
} from "./machine.ts";
import {
  diskCheck,
  keyFilesCheck,
  openFilesCheck,
  ownerCheck,
  syncCheck,
  type Ownership,
} from "./machine-rules.ts";

/** What is to be looked at, beside the settings. */
export interface FolderOptions {
  /** Whether the log is read through. */
  isLogChecked: boolean;
  /** Primaries that the hub is to have; as many as it knows, unless said. */
  primaries: number | undefined;
}

/** What was found of the folder. */
export interface FolderFound {
  checks: Check[];
  /** Whether a process has taken it: a hub runs; undefined when that can't be seen. */
  isRunning: boolean | undefined;
}

/** What a user without the hub's rights can't look at. */
const asHub = "run this as the hub's user";

/** Looks at a hub's data folder and at its key files; a probe is written and removed again, nothing else is changed. */
export async function checkFolder(settings: HubSettings, options: FolderOptions): Promise<FolderFound> {
  const { data } = settings;
  const probe = probeCheck(data);
  const checks = [probe.check];
  if (probe.check.state === "fail") return { checks, isRunning: undefined };
  const use = useOf(data);
  const log = logCheck(join(data, "log.sqlite"), options.isLogChecked);
  const disk = async () =>
    diskCheck({
      free: await freeBytes(nearestFolder(data)),
      log: log.bytes,
      maxLog: settings.limits.maxLogBytes,
    });
  checks.push(
    await attempt("data-folder-owner", asHub, () => folderOwnerCheck(data)),
    use.check,
    await attempt("disk-space", asHub, disk),
    syncCheck(probe.durationsMs),
    log.check,
    await attempt("key-files", asHub, () => keyFilesCheck(keyFilesOf(settings))),
    filesCheck(data, use.holder, options.primaries),
  );
  return { checks, isRunning: use.isRunning };
}

function folderOwnerCheck(data: string): Check {
  const folder = ownershipOf(data);
  if (folder === undefined) return pass("data-folder-owner", "whoever starts the hub first");
  return ownerCheck(folder, process.geteuid?.() ?? folder.uid, strangersIn(data, folder.uid));
}

function useOf(data: string): { check: Check; isRunning: boolean | undefined; holder: number | undefined } {
  const name = "data-folder-use";
  try {
    const isRunning = isTaken(data);
    const holder = isRunning ? holderOf(data) : undefined;
    const process = holder === undefined ? "" : ` (process ${holder})`;
    const found = isRunning ? `a hub runs on it${process}` : "no hub runs on it";
    return { check: pass(name, found), isRunning, holder };
  } catch (error) {
    const found = `whether a hub runs on it can't be seen: ${(error as Error).message}`;
    return { check: fail(name, found, asHub), isRunning: undefined, holder: undefined };
  }
}

function probeCheck(data: string): { check: Check; durationsMs: number[] } {
  const name = "data-folder";
  try {
    const durationsMs = timeSyncs(nearestFolder(data));
    if (ownershipOf(data) !== undefined) return { check: pass(name, `${data} can be written`), durationsMs };
    const found = `${data} is not there; the hub makes it at its first start`;
    return { check: warn(name, found, "see that --data names the folder that you mean"), durationsMs };
  } catch (error) {
    const found = `${data} can't be written: ${(error as Error).message}`;
    const todo = `${asHub}; give the folder to that user, or name another with --data`;
    return { check: fail(name, found, todo), durationsMs: [] };
  }
}

function logCheck(path: string, isChecked: boolean): { check: Check; bytes: number } {
  const name = "log";
  const restore = 'restore a backup with "sallyport hub restore", and keep the damaged folder';
  let bytes = 0;
  try {
    if (ownershipOf(path) === undefined) return { check: pass(name, "no log yet"), bytes };
    bytes = usedBytes(path);
    if (!isChecked)
      return { check: pass(name, `${formatBytes(bytes)}, readable; not looked through`), bytes };
    const beganMs = performance.now();
    const damage = damageOf(path);
    const tookS = ((performance.now() - beganMs) / 1000).toFixed(1);
    if (damage !== undefined) return { check: fail(name, `the log is damaged: ${damage}`, restore), bytes };
    return { check: pass(name, `${formatBytes(bytes)}, looked through in ${tookS} s: good`), bytes };
  } catch (error) {
    return { check: fail(name, `${path} can't be read: ${(error as Error).message}`, restore), bytes };
  }
}

function keyFilesOf({ data, tls, adminKeyFile, credentialKeyFile }: HubSettings): Ownership[] {
  const own = tls.key === undefined ? [join(data, "tls/ca.key"), join(data, "tls/server.key")] : [tls.key];
  const files = [...own, credentialKeyFile ?? join(data, "credentials.key"), adminKeyFile ?? ""];
  return files.filter((file) => file !== "").flatMap((file) => ownershipOf(file) ?? []);
}

function filesCheck(data: string, holder: number | undefined, expected: number | undefined): Check {
  let primaries: number;
  try {
    primaries = expected ?? countPrimaries(data);
  } catch (error) {
    const found = `the primaries can't be counted: ${(error as Error).message}`;
    return warn(
      "open-files",
      found,
      "say how many with --primaries; views that are unfit are made anew at start",
    );
  }
  const hubs = holder === undefined ? undefined : openFilesLimitOf(holder);
  const isHubs = hubs?.known === true;
  const { known, limit } = isHubs ? hubs : openFilesLimitOf("self");
  if (known) return openFilesCheck(limit, primaries, isHubs);
  return warn(
    "open-files",
    "this system does not tell the limit of open files",
    'look at "ulimit -n" yourself',
  );
}
