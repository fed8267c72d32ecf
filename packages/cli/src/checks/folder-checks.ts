import { join } from "node:path";
import type { HubSettings } from "@sallyport/hub";
import { formatBytes } from "../output/progress.ts";
import { fail, pass, warn, type Check } from "./check.ts";
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
  /** Whether a process has taken it: a hub runs. */
  isRunning: boolean;
}

/** Looks at a hub's data folder and at its key files; a probe is written and removed again, nothing else is changed. */
export async function checkFolder(settings: HubSettings, options: FolderOptions): Promise<FolderFound> {
  const { data } = settings;
  const checks: Check[] = [];
  const folder = ownershipOf(data);
  const at = nearestFolder(data);
  const missing =
    folder === undefined ? `${data} is not there; the hub makes it at its first start` : undefined;
  const probe = probeCheck(at, missing);
  checks.push(probe.check);
  if (probe.check.state === "fail") return { checks, isRunning: isRunningIn(data, folder) };
  if (folder !== undefined) {
    checks.push(ownerCheck(folder, process.geteuid?.() ?? folder.uid, strangersIn(data, folder.uid)));
  }
  const isRunning = isRunningIn(data, folder);
  const holder = isRunning ? holderOf(data) : undefined;
  const use = isRunning
    ? `a hub runs on it${holder === undefined ? "" : ` (process ${holder})`}`
    : "no hub runs on it";
  checks.push(pass("data-folder-use", use));
  const log = join(data, "log.sqlite");
  const hasLog = ownershipOf(log) !== undefined;
  const read = logCheck(log, hasLog, options.isLogChecked);
  const maxLog = settings.limits.maxLogBytes;
  checks.push(diskCheck({ free: await freeBytes(at), log: read.bytes, maxLog }));
  checks.push(syncCheck(probe.durationsMs));
  checks.push(read.check);
  checks.push(keyFilesCheck(keyFilesOf(settings)));
  checks.push(filesCheck(data, holder, options.primaries));
  return { checks, isRunning };
}

function isRunningIn(data: string, folder: { isFolder: boolean } | undefined): boolean {
  return folder?.isFolder === true && isTaken(data);
}

function probeCheck(folder: string, missing: string | undefined): { check: Check; durationsMs: number[] } {
  const name = "data-folder";
  try {
    const durationsMs = timeSyncs(folder);
    if (missing === undefined) return { check: pass(name, `${folder} can be written`), durationsMs };
    return { check: warn(name, missing, "see that --data names the folder that you mean"), durationsMs };
  } catch (error) {
    const found = `${missing ?? folder} can't be written: ${(error as Error).message}`;
    const todo = "run this as the hub's user; give the folder to that user, or name another with --data";
    return { check: fail(name, found, todo), durationsMs: [] };
  }
}

function logCheck(path: string, isThere: boolean, isChecked: boolean): { check: Check; bytes: number } {
  const name = "log";
  if (!isThere) return { check: pass(name, "no log yet"), bytes: 0 };
  const restore = 'restore a backup: "sallyport hub restore"; keep the damaged folder';
  try {
    const bytes = usedBytes(path);
    if (!isChecked)
      return { check: pass(name, `${formatBytes(bytes)}, readable; not looked through`), bytes };
    const beganMs = performance.now();
    const damage = damageOf(path);
    const tookS = ((performance.now() - beganMs) / 1000).toFixed(1);
    if (damage !== undefined) return { check: fail(name, `the log is damaged: ${damage}`, restore), bytes };
    return { check: pass(name, `${formatBytes(bytes)}, looked through in ${tookS} s: good`), bytes };
  } catch (error) {
    return { check: fail(name, `${path} can't be read: ${(error as Error).message}`, restore), bytes: 0 };
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
