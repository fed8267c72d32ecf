import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { median, type Comparison } from "./comparison.ts";
import type { Plan } from "./plan.ts";
import { startProgram, type Program } from "./processes.ts";
import type { TestBed } from "./test-bed.ts";

/** What is measured of one of our servers that has nothing to do. */
export interface IdleServer {
  /** Such as "agent". */
  name: string;
  /** What it may have, MiB of RSS. */
  goalMiB: number;
  /** Starts it on a folder that it has used before. */
  start: () => Promise<Program>;
}

/** The memory of a server that has nothing to do, and of a bare Node.js beside it. */
export async function measureIdle(
  bed: TestBed,
  plan: Plan,
  { name, goalMiB, start }: IdleServer,
): Promise<Comparison> {
  const idleMiB = async () => {
    await using program = await start();
    return await settledMiB(program.pid, plan);
  };
  // The first start makes certificates, the second compiles what the others find; what counts is a server that is started again.
  for (let warmUp = 0; warmUp < 2; warmUp += 1) await idleMiB();
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < plan.connectionRounds; round += 1) {
    plan.say(`${name}: round ${round + 1} of ${plan.connectionRounds}`);
    ours.push(await idleMiB());
    bare.push(await bareNodeMiB(bed, plan));
  }
  return {
    what: `RSS of an idle ${name}, to the goal`,
    ours: `${median(ours).toFixed(0)} MiB`,
    peer: `${goalMiB} MiB (a bare Node.js: ${median(bare).toFixed(0)} MiB)`,
    ratios: ours.map((figure) => figure / goalMiB),
    goal: { atMost: 1 },
  };
}

async function bareNodeMiB(bed: TestBed, plan: Plan): Promise<number> {
  await using program = await startProgram({
    file: join(import.meta.dirname, "bare-node.ts"),
    args: [],
    logDir: bed.dir,
  });
  return await settledMiB(program.pid, plan);
}

/** Memory is read once nothing has moved for a while. */
async function settledMiB(pid: number, plan: Plan): Promise<number> {
  await pause(plan.settleS * 1000);
  return memoryMiB(pid, "VmRSS");
}

/** What a process has in memory now, or had at most (`VmHWM`), MiB. */
export function memoryMiB(pid: number, which: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kB] = new RegExp(`^${which}:\\s+(\\d+) kB$`, "m").exec(status) ?? [];
  if (kB === undefined) throw new Error(`process ${pid} has no ${which}`);
  return Number(kB) / 1024;
}
