import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { median, type Comparison } from "../comparison.ts";
import type { Measured, Plan } from "../plan.ts";
import { startProgram } from "../processes.ts";
import type { TestBed } from "../test-bed.ts";

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "bin", "sallyport.js");
/** What an idle agent may have, MiB of RSS. */
const goalMiB = 80;

/** The memory of an agent that has nothing to do, and of a bare Node.js beside it. */
export async function measureAgentMemory(bed: TestBed, plan: Plan): Promise<Measured> {
  // The first start makes certificates, the second compiles what the others find; what counts is an agent that is started again.
  for (let start = 0; start < 2; start += 1) await idleAgentMiB(bed, plan);
  const agents: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < plan.connectionRounds; round += 1) {
    plan.say(`agent: round ${round + 1} of ${plan.connectionRounds}`);
    agents.push(await idleAgentMiB(bed, plan));
    bare.push(await bareNodeMiB(bed, plan));
  }
  const comparison: Comparison = {
    what: "RSS of an idle agent, to the goal",
    ours: `${median(agents).toFixed(0)} MiB`,
    peer: `${goalMiB} MiB (a bare Node.js: ${median(bare).toFixed(0)} MiB)`,
    ratios: agents.map((figure) => figure / goalMiB),
    goal: { atMost: 1 },
  };
  return { comparisons: [comparison], missing: [], versions: {} };
}

async function idleAgentMiB(bed: TestBed, plan: Plan): Promise<number> {
  const where = ["--data", join(bed.dir, "agent"), "--listen", "127.0.0.1:0"];
  await using program = await startProgram({
    file: main,
    args: ["agent", ...where, "--upstream", "https://127.0.0.1:1", "--upstream-ca", bed.ca, "--json"],
    logDir: bed.dir,
    factsInOutput: (output) => (output.includes('"url"') ? {} : undefined),
  });
  return await settledMiB(program.pid, plan);
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
  const [, kB = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kB) / 1024;
}
