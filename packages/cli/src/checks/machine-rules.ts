import { formatBytes } from "../output/progress.ts";
import { fail, pass, warn, type Check } from "@sallyport/agent";
import { checkLimits } from "./limits.ts";

/** Says whether this version of Node runs a hub. @param version such as `24.1.0` */
export function nodeCheck(version: string): Check {
  const major = Number(version.split(".", 1)[0]);
  const { minNodeMajor } = checkLimits;
  if (major >= minNodeMajor) return pass("node", `Node ${version}`);
  return fail("node", `Node ${version} is too old`, `install Node ${minNodeMajor} or later`);
}

/** Who has a folder or file, and who may do what with it. */
export interface Ownership {
  path: string;
  uid: number;
  /** Permission bits. */
  mode: number;
}

/** Says whether the folder belongs to whoever runs the hub, and to them only. @param strangers files in it that belong to others */
export function ownerCheck(folder: Ownership, ownUid: number, strangers: readonly Ownership[]): Check {
  const name = "data-folder-owner";
  const { path, uid, mode } = folder;
  const shown = `${path} belongs to user ${uid}, mode ${octal(mode)}`;
  const [stranger] = strangers;
  if (uid !== 0 && stranger !== undefined) {
    const found = `${stranger.path} belongs to user ${stranger.uid}, its folder to user ${uid}`;
    return fail(name, found, `give it to the hub's user: chown -R ${uid} ${path}`);
  }
  if (uid !== ownUid) {
    const todo = `run this check as the hub's user (sudo -u '#${uid}' …), so that it has the hub's rights`;
    return warn(name, `${shown}; the check runs as user ${ownUid}`, todo);
  }
  if ((mode & 0o077) !== 0) return warn(name, shown, `close it to others: chmod 700 ${path}`);
  return pass(name, shown);
}

/** Says whether keys are readable by those only who need them. */
export function keyFilesCheck(files: readonly Ownership[]): Check {
  const name = "key-files";
  const open = files.find(({ mode }) => (mode & 0o007) !== 0);
  if (open !== undefined) {
    const found = `every user of this machine may read or change ${open.path} (mode ${octal(open.mode)})`;
    return fail(name, found, `chmod 600 ${open.path}, and replace the key if others may have read it`);
  }
  const shared = files.find(({ mode }) => (mode & 0o070) !== 0);
  if (shared !== undefined) {
    const found = `a group may read or change ${shared.path} (mode ${octal(shared.mode)})`;
    return warn(name, found, `chmod 600 ${shared.path}, unless the group is meant to`);
  }
  const count = files.length === 1 ? "1 key file" : `${files.length} key files`;
  return pass(name, files.length === 0 ? "none yet; the hub makes its own" : `${count}, for the owner only`);
}

/** Says whether the disk has room for what the log may still become. All in bytes. */
export function diskCheck(disk: { free: number; log: number; maxLog: number }): Check {
  const name = "disk-space";
  const { free, log, maxLog } = disk;
  const toCome = Math.max(0, maxLog - log);
  const found = `${formatBytes(free)} free; the log has ${formatBytes(log)} and may grow to ${formatBytes(maxLog)}`;
  if (free < checkLimits.minFreeBytes) {
    return fail(name, found, "make room now: what can't be stored is not acknowledged");
  }
  if (free < toCome) {
    const bound = Math.floor(log + free / 2);
    return warn(name, found, `make room, or lower the bound: --limit maxLogBytes=${bound}`);
  }
  return pass(name, found);
}

/** Says whether fsync is quick enough. @param durationsMs what each of some took */
export function syncCheck(durationsMs: readonly number[]): Check {
  const name = "fsync";
  const sorted = [...durationsMs].toSorted((a, b) => a - b);
  const medianMs = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const perS = Math.floor(1000 / Math.max(medianMs, 0.001));
  const found = `works, about ${perS} a second (median ${medianMs.toFixed(2)} ms of ${sorted.length}, slowest ${(sorted.at(-1) ?? 0).toFixed(1)} ms)`;
  if (perS >= checkLimits.slowSyncsPerS) return pass(name, found);
  return warn(name, found, "put the data folder on a faster disk: notifications wait for each fsync");
}

/** Says whether there are enough file descriptors. @param limit undefined where there is none */
export function openFilesCheck(limit: number | undefined, primaries: number, isHubs: boolean): Check {
  const name = "open-files";
  const needed = primaries + checkLimits.spareDescriptors;
  const whose = isHubs ? "the running hub" : "this process";
  if (limit === undefined) return pass(name, `${whose} may open any number of files`);
  const found = `${whose} may open ${limit} files; ${primaries} primaries need about ${needed}`;
  if (limit >= needed) return pass(name, found);
  const todo = `raise it to ${2 * needed}: LimitNOFILE= in the systemd unit, ulimit -n elsewhere`;
  return limit <= primaries ? fail(name, found, todo) : warn(name, found, todo);
}

/** Reads the hard limit of open files from the text of `/proc/PID/limits`; Node raises its soft limit to it at start. */
export function readOpenFilesLimit(text: string): number | undefined {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(text)?.[1];
  return hard === undefined || hard === "unlimited" ? undefined : Number(hard);
}

/** Finds who holds a lock on a file in the text of `/proc/locks`. */
export function readLockHolder(text: string, inode: number): number | undefined {
  for (const line of text.split("\n")) {
    const [, pid, found] = /\s(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line) ?? [];
    if (Number(found) === inode && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
