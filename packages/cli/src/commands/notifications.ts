import { Command, Option } from "commander";
import { followEvents } from "../client/event-stream.ts";
import { HubClient, type HubOptions, type Query } from "../client/hub-client.ts";
import { feedPage, type FeedEvent } from "../client/hub-schemas.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { collect, labelFilter, wholeNumber } from "./option-values.ts";

interface Options extends HubOptions {
  json: boolean;
  after: number;
  limit: number;
  primary?: string;
  type: string[];
  label: string[];
  since?: string;
  until?: string;
}

/** `sallyport notifications …`: what the primaries reported, and what happened to their connections. */
export function notificationsCommand(): Command {
  const command = new Command("notifications").description("list or follow what the primaries reported");
  withFilters(command.command("list"))
    .description("one page of notifications, oldest first")
    .option("--limit <n>", "how many at most", wholeNumber, 100)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport notifications list --primary branch-vienna --type netbackup.job.done\n",
    )
    .action(list);
  withFilters(command.command("follow"))
    .description(
      "print notifications as they come, until Ctrl-C; a lost connection is taken up where it ended",
    )
    .addHelpText("after", "\nExample:\n  $ sallyport notifications follow --type netbackup.image --json\n")
    .action(follow);
  return command;
}

function withFilters(command: Command): Command {
  return withHubOptions(command)
    .option("--after <position>", "only what was stored after this position", wholeNumber, 0)
    .option("--primary <name-or-id>", "of one primary")
    .addOption(
      new Option("--type <beginning>", "beginning of the type; may be given several times")
        .argParser(collect)
        .default([]),
    )
    .addOption(
      new Option("--label <name:value>", "of primaries with this label").argParser(labelFilter).default([]),
    )
    .option("--since <time>", "stored at or after this moment, ISO 8601")
    .option("--until <time>", "stored before this moment, ISO 8601");
}

async function queryOf(hub: HubClient, options: Options): Promise<Query> {
  const { after, type, label, since, until, primary } = options;
  const id = primary === undefined ? undefined : (await hub.findPrimary(primary)).id;
  return { after, type, label, since, until, primary: id };
}

async function list(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const query = await queryOf(hub, options);
  const page = await hub.get("/api/v1/notifications", feedPage, { ...query, limit: options.limit });
  if (options.json) {
    printJson(page);
    return;
  }
  if (page.missed) printLine(missedText(page.missed));
  printTable(
    ["position", "time", "type", "primary", "subject"],
    page.data.map((event) => [String(event.position), event.time, event.type, event.source, whatOf(event)]),
    "No notification matches.",
  );
  if (page.data.length === options.limit) printLine(`More: --after ${page.next}`);
}

async function follow(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const query = await queryOf(hub, options);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const handler = {
    event: (event: FeedEvent) => show(event, options.json),
    notice: (name: string, text: string) => process.stderr.write(`sallyport: ${name}: ${text}\n`),
  };
  await followEvents(hub, query, handler, stop.signal);
}

function show(event: FeedEvent, json: boolean): void {
  if (json) printLine(JSON.stringify(event));
  else printLine(`${event.position}  ${event.time}  ${event.type}  ${event.source}  ${whatOf(event)}`);
}

/** What it is about; of a gap, what is missing. */
function whatOf({ type, subject, data }: FeedEvent): string {
  if (type !== "sallyport.notifications.gap") return subject;
  const { count, groupId, reason } = data;
  return `${count === null ? "an unknown number" : Number(count)} missing for ${String(groupId)}: ${String(reason)}`;
}

function missedText({ from, to }: { from: number; to: number }): string {
  return `Positions ${from} to ${to} are gone: they were older than what the hub keeps.`;
}
