import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { measureIdle } from "../idle-memory.ts";
import type { Measured, Plan } from "../plan.ts";
import type { TestBed } from "../test-bed.ts";
import { launchPrimary, startPrimary } from "./benched-primary.ts";

/** What an idle primary may have, MiB of RSS. */
const goalMiB = 120;
const name = "idle-primary";

/** The memory of a primary that has a repository with an image, and nothing to do. */
export async function measurePrimaryMemory(bed: TestBed, plan: Plan): Promise<Measured> {
  const folder = join(bed.dir, "one-file");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "file"), "one");
  {
    await using primary = await startPrimary(bed, name);
    await primary.createPolicy("one", folder);
    await primary.backUp("one");
  }
  const start = () => launchPrimary(bed, name);
  return {
    comparisons: [await measureIdle(bed, plan, { name: "primary", goalMiB, start })],
    missing: [],
    versions: {},
  };
}
