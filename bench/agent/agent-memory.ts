import { join } from "node:path";
import { measureIdle } from "../idle-memory.ts";
import type { Measured, Plan } from "../plan.ts";
import { startProgram } from "../processes.ts";
import type { TestBed } from "../test-bed.ts";

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "bin", "sallyport.js");
/** What an idle agent may have, MiB of RSS. */
const goalMiB = 80;

/** The memory of an agent that has nothing to do. */
export async function measureAgentMemory(bed: TestBed, plan: Plan): Promise<Measured> {
  const where = ["--data", join(bed.dir, "agent"), "--listen", "127.0.0.1:0"];
  const start = () =>
    startProgram({
      file: main,
      args: ["agent", ...where, "--upstream", "https://127.0.0.1:1", "--upstream-ca", bed.ca, "--json"],
      logDir: bed.dir,
      factsInOutput: (output) => (output.includes('"url"') ? {} : undefined),
    });
  return {
    comparisons: [await measureIdle(bed, plan, { name: "agent", goalMiB, start })],
    missing: [],
    versions: {},
  };
}
