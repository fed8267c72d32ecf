import { readdirSync, readFileSync } from "node:fs";

/** What /proc counts in: a hundredth of a second on every Linux there is. */
const tickUs = 10_000;

interface ProcessTime {
  parent: number;
  us: number;
}

/**
 * CPU time that some processes and all that they have started have used so far, user and system, µs. Unlike a throughput it depends
 * little on what else the machine does.
 */
export function cpuTimeOf(pids: readonly number[]): number {
  const processes = new Map<number, ProcessTime>();
  for (const name of readdirSync("/proc")) {
    const found = /^\d+$/.test(name) ? read(name) : undefined;
    if (found !== undefined) processes.set(Number(name), found);
  }
  const wanted = new Set(pids);
  // A process comes into the list after its parent, or is found in the next round.
  for (let before = -1; before !== wanted.size;) {
    before = wanted.size;
    for (const [pid, { parent }] of processes) if (wanted.has(parent)) wanted.add(pid);
  }
  return [...wanted].reduce((sum, pid) => sum + (processes.get(pid)?.us ?? 0), 0);
}

/** Undefined for one that has just ended. */
function read(pid: string): ProcessTime | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything.
    const [, parent, , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(parent), us: (Number(user) + Number(system)) * tickUs };
  } catch {
    return undefined;
  }
}

/** CPU time of one process and of the children that it has seen end, and theirs, µs: for what starts a program for each thing that it does. */
export function cpuTimeWithEnded(pid: number): { ownUs: number; endedUs: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [, , , , , , , , , , , user, system, endedUser, endedSystem] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  return {
    ownUs: ((user ?? NaN) + (system ?? NaN)) * tickUs,
    endedUs: ((endedUser ?? NaN) + (endedSystem ?? NaN)) * tickUs,
  };
}
