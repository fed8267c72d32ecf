import { Command, InvalidArgumentError, Option } from "commander";
import { HubClient, type HubOptions, type Query } from "../client/hub-client.ts";
import { image, job, jobSummary, lastGood, withoutBackup } from "../client/hub-schemas.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { labelFilter, wholeNumber } from "./option-values.ts";

interface Options extends HubOptions {
  json: boolean;
  limit: number;
  primary?: string;
  label: string[];
  client?: string;
  policy?: string;
  since?: string;
  until?: string;
  sort?: string;
}

function withFleetFilters(command: Command): Command {
  return withHubOptions(command)
    .option("--limit <n>", "how many at most", wholeNumber, 100)
    .option("--primary <name-or-id>", "of one primary")
    .option(
      "--label <name:value>",
      "of primaries with this label; may be given several times",
      labelFilter,
      [],
    )
    .option("--client <name>", "of one client");
}

async function queryOf(hub: HubClient, options: Options): Promise<Query> {
  const { label, client, policy, since, until, sort, limit, primary } = options;
  const id = primary === undefined ? undefined : (await hub.findPrimary(primary)).id;
  return { label, client, policy, since, until, sort, primary: id, limit: Math.min(limit, 1_000) };
}

/** `sallyport jobs …`: jobs of all primaries, as their notifications tell them. */
export function jobsCommand(): Command {
  const command = new Command("jobs").description("jobs of the whole fleet");
  withFleetFilters(command.command("list"))
    .description("jobs across the primaries, newest first")
    .option("--policy <name>", "of one policy")
    .addOption(new Option("--state <state>").choices(["QUEUED", "ACTIVE", "DONE"]))
    .option("--status <status>", "ok, partial, failed, or a status code of NetBackup", outcome)
    .option("--type <type>", "such as BACKUP or RESTORE")
    .option("--since <time>", "started at or after this moment, ISO 8601")
    .option("--until <time>", "started before this moment, ISO 8601")
    .option("--sort <key>", "startTime, updatedAt, client, policy or status; - before it for descending")
    .addHelpText("after", "\nExample:\n  $ sallyport jobs list --status failed --label site:vienna\n")
    .action(listJobs);
  withHubOptions(command.command("summary"))
    .description("how many jobs are queued, active, ok and failed, for each primary, over the last 24 hours")
    .addHelpText("after", "\nExample:\n  $ sallyport jobs summary\n")
    .action(summary);
  return command;
}

/** `sallyport images …`: backup images of all primaries. */
export function imagesCommand(): Command {
  const command = new Command("images").description("backup images of the whole fleet");
  withFleetFilters(command.command("list"))
    .description("images across the primaries, newest first")
    .option("--deleted", "those that were deleted, too")
    .option("--since <time>", "made at or after this moment, ISO 8601")
    .option("--until <time>", "made before this moment, ISO 8601")
    .option("--sort <key>", "backupTime, updatedAt or client; - before it for descending")
    .addHelpText("after", "\nExample:\n  $ sallyport images list --client db1 --json\n")
    .action(listImages);
  return command;
}

/** `sallyport backups …`: what was backed up last, and what was not. */
export function backupsCommand(): Command {
  const command = new Command("backups").description("the last good backup of every client and policy");
  withFleetFilters(command.command("last-good"))
    .description("the last good backup for each client and policy")
    .option("--policy <name>", "of one policy")
    .option("--missing-for <hours>", "only those without a good backup for so long", wholeNumber)
    .addHelpText("after", "\nExample:\n  $ sallyport backups last-good --missing-for 26\n")
    .action(listLastGood);
  withHubOptions(command.command("silent-primaries"))
    .description("primaries without any good backup for some hours")
    .option("--hours <n>", "how many hours", wholeNumber, 26)
    .addHelpText("after", "\nExample:\n  $ sallyport backups silent-primaries --hours 48\n")
    .action(listWithoutBackup);
  return command;
}

function outcome(text: string): string {
  if (/^(ok|partial|failed|\d{1,9})$/.test(text)) return text;
  throw new InvalidArgumentError("It has to be ok, partial, failed or a whole number.");
}

async function listJobs(
  options: Options & { state?: string; status?: string; type?: string },
): Promise<void> {
  await using hub = HubClient.from(options);
  const { state, status, type } = options;
  const query = { ...(await queryOf(hub, options)), state, status, type };
  const jobs = await hub.all("/api/v1/jobs", job, query, options.limit);
  if (options.json) {
    printJson(jobs);
    return;
  }
  printTable(
    ["primary", "job", "parent", "type", "state", "status", "policy", "client", "started"],
    jobs.map((one) => [
      one.primaryName,
      String(one.jobId),
      parentOf(one),
      one.jobType ?? "",
      one.state,
      one.status === null || one.status === undefined ? "" : String(one.status),
      one.policyName ?? "",
      one.clientName ?? "",
      one.startTime ?? "",
    ]),
    "No job matches.",
  );
}

/** The job whose child a job is; NetBackup has a job without a parent be its own. */
function parentOf({
  jobId,
  parentJobId,
}: {
  jobId: number;
  parentJobId?: number | null | undefined;
}): string {
  return parentJobId == null || parentJobId === jobId ? "" : String(parentJobId);
}

async function summary(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const counted = await hub.get("/api/v1/jobs/summary", jobSummary);
  if (options.json) {
    printJson(counted);
    return;
  }
  const rowOf = (name: string, { queued, active, ok, partial, failed }: typeof counted.total) => [
    name,
    ...[queued, active, ok, partial, failed].map(String),
  ];
  printTable(
    ["primary", "queued", "active", "ok", "partial", "failed"],
    [...counted.primaries.map((one) => rowOf(one.primaryName, one)), rowOf("all", counted.total)],
    "",
  );
  printLine(`Since ${counted.since}.`);
}

async function listImages(options: Options & { deleted?: true }): Promise<void> {
  await using hub = HubClient.from(options);
  const query = { ...(await queryOf(hub, options)), deleted: options.deleted };
  const images = await hub.all("/api/v1/images", image, query, options.limit);
  if (options.json) {
    printJson(images);
    return;
  }
  printTable(
    ["primary", "image", "client", "made", "state"],
    images.map((one) => [
      one.primaryName,
      one.backupId,
      one.clientName ?? "",
      one.backupTime ?? "",
      one.deleted ? "deleted" : one.hasLocalCopy ? "restorable" : "no local copy",
    ]),
    "No image matches.",
  );
}

async function listLastGood(options: Options & { missingFor?: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const query = { ...(await queryOf(hub, options)), missingForHours: options.missingFor };
  const backups = await hub.all("/api/v1/backups/last-good", lastGood, query, options.limit);
  if (options.json) {
    printJson(backups);
    return;
  }
  printTable(
    ["primary", "client", "policy", "last good backup", "status of the last one"],
    backups.map((one) => [
      one.primaryName,
      one.clientName,
      one.policyName,
      `${one.lastGoodAt ?? "never"}${one.isPartial ? " (partial)" : ""}`,
      String(one.lastStatus ?? ""),
    ]),
    options.missingFor === undefined ? "No backup is known yet." : "Nothing is missing.",
  );
}

async function listWithoutBackup(options: Options & { hours: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const query = { hours: options.hours };
  const primaries = await hub.all("/api/v1/backups/silent-primaries", withoutBackup, query);
  if (options.json) {
    printJson(primaries);
    return;
  }
  printTable(
    ["primary", "last good backup"],
    primaries.map((one) => [one.primaryName, one.lastGoodAt ?? "never"]),
    `Every primary has had a good backup within ${options.hours} hours.`,
  );
}
