import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { guardOf } from "../client/guard.ts";
import { Failure } from "../failure.ts";
import { printLine, printTable } from "../output/print.ts";
import { formatBytes, Progress } from "../output/progress.ts";
import { CloudApplication, type Job } from "../client/cloud-application.ts";
import { compareTrees } from "./compare.ts";
import { FeedPrinter } from "./feed-printer.ts";
import type { DemoParts } from "./parts.ts";
import { isInRepository } from "./repository.ts";

const pollMs = 200;
const patienceMs = 60_000;

/** Waits for something that another process does, and says what did not come when it takes too long. */
async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!(await look())) {
    if (Date.now() > giveUpAt) throw new Failure(`${what} has not come within ${patienceMs / 1000} s`);
    await pause(pollMs);
  }
}

/**
 * Plays the demo's story as a cloud application would: log in, back up, watch, restore, compare, expire; all through
 * the hub, over the one connection that the primary dialled.
 * @param folders absolute folders to back up
 * @throws Failure when any step does not end as it should
 */
export async function playStory(parts: DemoParts, folders: string[], dir: string): Promise<void> {
  const { hub, primaryId, primaryProcess, state, hostName } = parts;
  const startedMs = Date.now();
  const acknowledgedBefore = primaryProcess.countLogged("notification.acknowledged");
  const application = new CloudApplication(hub, primaryId, (ticket, what) => approve(parts, ticket, what));

  printLine("\n3. The primary dials out");
  await until(
    "the connection",
    async () => (await hub.findPrimary(primaryId)).connection.state === "connected",
  );
  printLine("  CONNECT REQUEST with token → CONNECT RESPONSE valid:true");

  printLine(
    "\n4. The cloud application orders a backup (5. its notifications, as they are stored and acknowledged)",
  );
  const feed = await FeedPrinter.fromNow(application);
  await application.login(state.primaryUser, state.primaryPassword);
  await application.createPolicy("demo", hostName, folders);
  printLine(`  logged in, policy "demo" for ${folders.join(", ")}`);
  const backupId = await application.backUp("demo");
  const backup = await watch(application, feed, backupId, "backup");
  await until("the notification of the image", () => imageOf(feed) !== undefined);
  const image = await application.image(imageOf(feed) ?? "");
  const primaryDir = join(dir, "primary");
  if (!(await isInRepository(primaryDir, image.id)))
    throw new Failure(`restic has no snapshot of ${image.id}`);

  printLine("\n6. The cloud application orders a restore into another folder");
  const target = freshTarget(dir, backupId);
  const renames = folders.map((from, index) => ({ from, to: join(target, String(index + 1)) }));
  const restoreId = await application.restore(image, renames, { server: hostName });
  await watch(application, feed, restoreId, "restore");
  const compared = await compareAll(renames);
  printLine(`  compared ${compared.files} files, ${formatBytes(compared.bytes)} by SHA-256: all the same`);

  printLine("\n7. The cloud application expires the image");
  await application.expire(image.id);
  await waitFor(feed, "netbackup.image.delete", `image/${image.id}`);
  if (await application.hasImage(image.id)) throw new Failure(`${image.id} is still in the catalogue`);
  if (await isInRepository(primaryDir, image.id))
    throw new Failure(`restic still has the snapshot of ${image.id}`);
  printLine(`  ${image.id} is gone from the catalogue, and \`restic snapshots\` has it no more`);

  await primaryProcess.logged("notification.acknowledged", acknowledgedBefore + feed.events.length);
  const acknowledged = primaryProcess.countLogged("notification.acknowledged") - acknowledgedBefore;
  printLine("\n8. What happened");
  printTable(
    ["job", "data", "files", "seconds", "image", "notifications stored / acknowledged"],
    [
      [
        `${backupId} DONE, status ${backup.attributes.status}`,
        formatBytes((backup.attributes.kilobytesTransferred ?? 0) * 1024),
        String(backup.attributes.numberOfFiles ?? 0),
        ((Date.now() - startedMs) / 1000).toFixed(1),
        image.id,
        `${feed.events.length} / ${acknowledged}`,
      ],
    ],
    "",
  );
}

/** What the primary's administrator does on premises with a command that the guard holds. */
async function approve({ administrator }: DemoParts, ticket: string, what: string): Promise<void> {
  await using primary = await administrator();
  const { rule } = await guardOf(primary).get(ticket);
  printLine(
    `  ${what.split("/").at(-1)} is held by the guard on premises (rule "${rule}"), ticket ${ticket}`,
  );
  const { decidedBy } = await guardOf(primary).approve(ticket, { comment: "the demo's" });
  printLine(`  approved on premises by ${decidedBy ?? ""}; sent again with its ticket`);
}

function imageOf(feed: FeedPrinter): string | undefined {
  return feed.events.find(({ type }) => type === "netbackup.image.create")?.subject.replace(/^image\//, "");
}

async function waitFor(feed: FeedPrinter, type: string, subject: string): Promise<void> {
  await until(`${type} ${subject}`, async () => {
    await feed.poll(printLine);
    return feed.has(type, subject);
  });
}

/** Shows a job's progress and the notifications meanwhile until it is DONE and that was notified. */
async function watch(
  application: CloudApplication,
  feed: FeedPrinter,
  id: string,
  title: string,
): Promise<Job> {
  using progress = new Progress(`${title} job ${id}`);
  for (;;) {
    const job = await application.job(id);
    await feed.poll((line) => progress.line(line));
    const {
      state,
      status,
      percentComplete = 0,
      numberOfFiles = 0,
      kilobytesTransferred = 0,
    } = job.attributes;
    const detail = `${state}, ${numberOfFiles} files, ${formatBytes(kilobytesTransferred * 1024)}`;
    progress.update(state === "DONE" ? 100 : percentComplete, detail);
    if (state === "DONE" && status !== 0) throw new Failure(`job ${id} ended with status ${status}`);
    if (state === "DONE" && feed.has("netbackup.job.done", `job/${id}`)) return job;
    await pause(pollMs);
  }
}

async function compareAll(
  renames: { from: string; to: string }[],
): Promise<{ files: number; bytes: number }> {
  const total = { files: 0, bytes: 0 };
  for (const { from, to } of renames) {
    const { files, bytes, differences } = await compareTrees(from, to);
    if (differences.length > 0) throw new Failure(`${from} and ${to} differ: ${differences.join(", ")}`);
    total.files += files;
    total.bytes += bytes;
  }
  return total;
}

function freshTarget(dir: string, jobId: string): string {
  const target = join(dir, "restored", `job-${jobId}`);
  if (existsSync(target)) throw new Failure(`${target} exists already; remove it and run again`);
  return target;
}
