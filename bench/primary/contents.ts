import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { median, ratiosOf, type Comparison } from "../comparison.ts";
import { memoryMiB } from "../idle-memory.ts";
import type { Measured, Plan } from "../plan.ts";
import type { TestBed } from "../test-bed.ts";
import { bareRestic } from "./bare-restic.ts";
import { clientName, startPrimary, type BenchedPrimary } from "./benched-primary.ts";

/** What the primary's memory may grow by while a large image is looked into, MiB. */
const growthGoalMiB = 64;
const filesOfFolder = 1000;
const looks = 3;
const pages = 20;
const pageItems = 10_000;

/** An image of a million entries: one of its folders, and its first pages, through the API; `restic ls` of that folder beside it. */
export async function measureContents(bed: TestBed, plan: Plan): Promise<Measured> {
  plan.say(`contents: making an image of ${plan.imageEntries.toLocaleString("en")} entries`);
  const source = makeSource(bed, plan.imageEntries);
  await using primary = await startPrimary(bed, "contents");
  try {
    await primary.createPolicy("large", source);
    await primary.backUp("large");
  } finally {
    // Not at a stretch: a connection that the primary closes meanwhile has to be seen to close.
    await rm(source, { recursive: true });
  }
  const image = await theImage(primary);
  if (image.files < plan.imageEntries) throw new Error(`the image holds ${image.files} files only`);
  plan.say("contents: looking into it");
  const folders = plan.imageEntries / filesOfFolder;
  const folderOf = (look: number) => folderName(source, Math.floor((folders * (look + 0.5)) / looks));
  const storage = join(primary.dataDir, "storage", "stu_local");
  const restic = await bareRestic(
    join(bed.dir, "contents-bare"),
    join(storage, "repository"),
    join(storage, "password"),
  );
  const list = (folder: string) => restic.run(["ls", "--json", "--no-lock", image.snapshotId, folder]);
  // Both have the trees of all folders in their caches, as after the backup.
  await list("/");
  const ours: number[] = [];
  const bare: number[] = [];
  const growth = await growthMiB(primary, async () => {
    for (let look = 0; look < looks; look += 1) {
      const startedMs = performance.now();
      await browse(primary, folderOf(look));
      ours.push(performance.now() - startedMs);
      bare.push((await list(folderOf(look))).wallMs);
    }
  });
  const pagesGrowth = await growthMiB(primary, () => readPages(primary, image.backupId, plan));
  const entries = plan.imageEntries.toLocaleString("en");
  const memory = (what: string, grownMiB: number): Comparison => ({
    what,
    ours: `${grownMiB.toFixed(1)} MiB`,
    peer: `${growthGoalMiB} MiB`,
    ratios: [grownMiB / growthGoalMiB],
    goal: { atMost: 1 },
  });
  return {
    comparisons: [
      {
        what: `a folder of ${filesOfFolder} files in an image of ${entries}, to restic ls of it alone`,
        ours: `${(median(ours) / 1000).toFixed(2)} s`,
        peer: `${(median(bare) / 1000).toFixed(2)} s`,
        ratios: ratiosOf(ours, bare),
        goal: undefined,
      },
      memory("what the primary's memory grows by at most for it, to the goal", growth),
      memory(
        `the same for the first ${Math.min(pages * pageItems, plan.imageEntries).toLocaleString("en")} entries by pages`,
        pagesGrowth,
      ),
    ],
    missing: [],
    versions: {},
  };
}

/** Empty files, in memory where there is a place for it: the listing is what counts. */
function makeSource(bed: TestBed, entries: number): string {
  const parent = existsSync("/dev/shm") ? "/dev/shm" : bed.dir;
  const source = mkdtempSync(join(parent, "sallyport-bench-"));
  process.on("exit", () => rmSync(source, { recursive: true, force: true }));
  for (let folder = 0; folder * filesOfFolder < entries; folder += 1) {
    const name = folderName(source, folder);
    mkdirSync(name);
    for (let at = 0; at < filesOfFolder; at += 1) closeSync(openSync(join(name, `file-${at}`), "w"));
  }
  // One with content: a backup of nothing but empty files has no data.
  writeFileSync(join(source, "note"), "made by the bench\n");
  return source;
}

function folderName(source: string, folder: number): string {
  return join(source, `folder-${folder}`);
}

async function theImage(primary: BenchedPrimary) {
  const { data } = JSON.parse(await primary.call("GET", "/catalog/images")) as {
    data: { id: string; attributes: { providerGeneratedId: string; numFiles: number } }[];
  };
  const [image] = data;
  if (image === undefined) throw new Error("the backup has left no image");
  const { providerGeneratedId: snapshotId, numFiles: files } = image.attributes;
  return { backupId: image.id, snapshotId, files };
}

async function browse(primary: BenchedPrimary, folder: string): Promise<void> {
  const filter = encodeURIComponent(`clientName eq '${clientName}' and path eq '${folder}'`);
  const answer = await primary.call("GET", `/catalog/image-contents?page%5Bdisable%5D=true&filter=${filter}`);
  const found = (JSON.parse(answer) as { data: unknown[] }).data.length;
  if (found !== filesOfFolder) throw new Error(`${folder} was shown with ${found} entries`);
}

async function readPages(primary: BenchedPrimary, backupId: string, plan: Plan): Promise<void> {
  const begun = await primary.call(
    "GET",
    `/catalog/images/${encodeURIComponent(backupId)}/contents?page%5Blimit%5D=${pageItems}`,
  );
  const { requestId } = JSON.parse(begun) as { requestId: string };
  let read = 0;
  const wanted = Math.min(pages * pageItems, plan.imageEntries);
  while (read < wanted) {
    const page = await primary.call("GET", `/catalog/images/contents/${requestId}`);
    read += (JSON.parse(page) as { data: unknown[] }).data.length;
  }
  if (read <= plan.imageEntries) await primary.call("DELETE", `/catalog/images/contents/${requestId}`);
}

/** What a process has at most during some work, over what it has before it. */
async function growthMiB(primary: BenchedPrimary, work: () => Promise<void>): Promise<number> {
  const { pid } = primary.program;
  const beforeMiB = memoryMiB(pid, "VmRSS");
  // Linux forgets the highest so far.
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  await work();
  return Math.max(0, memoryMiB(pid, "VmHWM") - beforeMiB);
}
