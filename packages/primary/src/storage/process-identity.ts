import { readFileSync, readdirSync } from "node:fs";

/** What tells one process from every other of this boot: Linux reuses process ids, but not with the same start time. */
export interface ProcessIdentity {
  pid: number;
  /** The boot's id and the process's start in clock ticks since boot, from /proc. */
  startTime: string;
}

/** Reads who a process is; undefined when there is none, or only its exit status is left of it. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name in parentheses, which may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return { pid, startTime: `${bootId}:${fields[19]}` };
  } catch {
    // No such process.
    return undefined;
  }
}

/** The command line of a process, joined by blanks; empty when it is gone. */
export function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
  } catch {
    // It ended meanwhile.
    return "";
  }
}

/** The processes that have a variable in their environment whose text `NAME=value` begins so; those that we may look at. */
export function findProcesses(variable: string): ProcessIdentity[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    if (!readEnvironment(pid).some((text) => text.startsWith(variable))) return [];
    return identifyProcess(Number(pid)) ?? [];
  });
}

function readEnvironment(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    // It ended meanwhile, or is another user's.
    return [];
  }
}
