import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { median, ratiosOf, type Comparison } from "../comparison.ts";
import { cpuTimeWithEnded } from "../cpu-time.ts";
import { versionOf } from "../daemon.ts";
import type { Measured, Plan } from "../plan.ts";
import type { TestBed } from "../test-bed.ts";
import { newRepository } from "./bare-restic.ts";
import { startPrimary, type BenchedPrimary, type JobAttributes } from "./benched-primary.ts";

/** What one backup cost. */
interface Cost {
  wallMs: number;
  cpuUs: number;
}

/** What a backup by the primary may cost, to restic alone. */
const goal = { atMost: 1.05 };
const progressGoalMs = 1000;
const smallFileBytes = 4096;
const largeFiles = 8;

/**
 * The same files backed up by the primary (a policy's manual backup over the API, looked at while it runs) and by `restic backup` alone, in
 * pairs whose order changes, each into a new repository that holds one small snapshot already: made repository and cache are not what is compared.
 */
export async function measureBackups(bed: TestBed, plan: Plan): Promise<Measured> {
  const source = join(bed.dir, "source");
  const tiny = join(bed.dir, "tiny");
  plan.say("backups: making the files");
  makeSource(source, plan);
  await mkdir(tiny);
  await writeFile(join(tiny, "file"), "tiny");
  // Both read what is in memory: once through it, as neither is to be the first.
  await promisify(execFile)("sh", ["-c", 'cat "$1"/*/* > /dev/null', "sh", source]);
  const ours: (Cost & { longestGapMs: number })[] = [];
  const bare: Cost[] = [];
  for (let round = 0; round < plan.connectionRounds; round += 1) {
    plan.say(`backups: round ${round + 1} of ${plan.connectionRounds}`);
    const sides = [
      async () => ours.push(await byPrimary(bed, { source, tiny, name: `primary-${round}` })),
      async () => bare.push(await byRestic(join(bed.dir, `restic-${round}`), source, tiny)),
    ];
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side();
  }
  await rm(source, { recursive: true });
  const what = `backup of ${plan.backupFiles.toLocaleString("en")} small files and ${plan.backupLargeMiB / 1024} GiB of large ones`;
  const wall: Comparison = {
    what: `${what}, time, to restic backup alone`,
    ...figures(ours, bare, ({ wallMs }) => wallMs / 1000, " s"),
    goal,
  };
  const cpu: Comparison = {
    what: `the same, CPU time of all processes`,
    ...figures(ours, bare, ({ cpuUs }) => cpuUs / 1e6, " s"),
    goal,
  };
  const gaps = ours.map(({ longestGapMs }) => longestGapMs);
  const progress: Comparison = {
    what: "longest time without news of its progress in the API, to the goal",
    ours: `${(median(gaps) / 1000).toFixed(2)} s`,
    peer: `${(progressGoalMs / 1000).toFixed(2)} s`,
    ratios: gaps.map((gap) => gap / progressGoalMs),
    goal: { atMost: 1 },
  };
  return {
    comparisons: [wall, cpu, progress],
    missing: [],
    versions: { restic: await versionOf("restic", ["version"]) },
  };
}

function figures(ours: readonly Cost[], bare: readonly Cost[], of: (cost: Cost) => number, unit: string) {
  return {
    ours: `${median(ours.map(of)).toFixed(2)}${unit}`,
    peer: `${median(bare.map(of)).toFixed(2)}${unit}`,
    ratios: ratiosOf(ours.map(of), bare.map(of)),
  };
}

/** Small files of text in folders of 100, and large ones that neither compress nor repeat. */
function makeSource(source: string, plan: Plan): void {
  for (let at = 0; at < plan.backupFiles; at += 1) {
    const folder = join(source, `small-${Math.floor(at / 100)}`);
    if (at % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, `file-${at}`),
      `file ${at}\n${randomBytes(smallFileBytes / 2).toString("hex")}`,
    );
  }
  const large = join(source, "large");
  mkdirSync(large, { recursive: true });
  for (let at = 0; at < largeFiles; at += 1) {
    const bytes = (plan.backupLargeMiB / largeFiles) * 2 ** 20;
    writeFileSync(join(large, `file-${at}`), randomBytes(bytes));
  }
}

async function byPrimary(
  bed: TestBed,
  files: { source: string; tiny: string; name: string },
): Promise<Cost & { longestGapMs: number }> {
  try {
    await using primary = await startPrimary(bed, files.name);
    return await backUp(primary, files);
  } finally {
    await rm(join(bed.dir, files.name), { recursive: true, force: true });
  }
}

async function backUp(
  primary: BenchedPrimary,
  { source, tiny }: { source: string; tiny: string },
): Promise<Cost & { longestGapMs: number }> {
  await primary.createPolicy("tiny", tiny);
  await primary.backUp("tiny");
  await primary.createPolicy("source", source);
  await flushDisk();
  const { pid } = primary.program;
  const used = () => {
    const { ownUs, endedUs } = cpuTimeWithEnded(pid);
    return ownUs + endedUs;
  };
  const cpuBeforeUs = used();
  const startedMs = Date.now();
  const news = new Set<number>();
  const job = await primary.backUp("source", (seen) => news.add(msOf(seen, "lastUpdateTime")));
  const cpuUs = used() - cpuBeforeUs;
  const endedMs = msOf(job, "endTime");
  const moments = [msOf(job, "startTime"), ...news, endedMs].toSorted((a, b) => a - b);
  const gaps = moments.slice(1).map((at, index) => at - (moments[index] ?? at));
  return { wallMs: endedMs - startedMs, cpuUs, longestGapMs: Math.max(...gaps) };
}

async function byRestic(dir: string, source: string, tiny: string): Promise<Cost> {
  const restic = await newRepository(dir);
  await restic.run(["backup", tiny]);
  await flushDisk();
  const cost = await restic.run(["backup", source]);
  await rm(dir, { recursive: true });
  return cost;
}

/** What was written before must not be written during a measurement. */
async function flushDisk(): Promise<void> {
  await promisify(execFile)("sync");
}

function msOf(job: JobAttributes, attribute: string): number {
  const epochMs = Date.parse(String(job[attribute]));
  if (Number.isNaN(epochMs)) throw new Error(`the job has no ${attribute}`);
  return epochMs;
}
