import { Command, Option } from "commander";
import { HubClient, type HubOptions, type ListedPrimary } from "../client/hub-client.ts";
import { pageOf, primary as listedPrimary, timelineEntry } from "../client/hub-schemas.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { labelFilter, labels, wholeNumber } from "./option-values.ts";
import { addCredentialCommands } from "./primary-credential.ts";
import { addTokenCommands } from "./primary-tokens.ts";

interface Options extends HubOptions {
  json: boolean;
}

/** `sallyport primaries …`: the backup servers that a hub knows. */
export function primariesCommand(): Command {
  const command = new Command("primaries").description("enrol, list and remove the hub's backup servers");
  withHubOptions(command.command("add <name>"))
    .description("enrol a primary; prints the endpoint details that its administrator needs")
    .option("--group <id>", "server group of the endpoint details")
    .option("--priority <n>", "priority within the group; lower is preferred", wholeNumber)
    .option("--label <name=value>", "a label; may be given several times", labels, {})
    .addHelpText("after", "\nExample:\n  $ sallyport primaries add branch-vienna\n")
    .action(add);
  withHubOptions(command.command("list"))
    .description("list the primaries and whether they are connected")
    .option("--name <part>", "only those with this in their name")
    .option("--label <name:value>", "only those with this label; may be given several times", labelFilter, [])
    .addOption(new Option("--state <state>").choices(["connected", "stale", "disconnected", "never"]))
    .option("--sort <key>", "name, createdAt or lastSeenAt; - before it for descending")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries list --json | jq -r '.[].name'\n")
    .action(list);
  withHubOptions(command.command("show <name-or-id>"))
    .description("one primary, with what happened to its connections lately")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries show branch-vienna\n")
    .action(show);
  withHubOptions(command.command("update <name-or-id>"))
    .description("rename a primary, replace its labels, or set its dialect")
    .option("--name <name>", "the new name")
    .option("--label <name=value>", "all labels that it shall have; may be given several times", labels)
    .option("--no-labels", "take all labels away")
    .option("--status-member <name>", "what its COMMAND RESPONSE calls the status")
    .option("--body-member <name>", "what its COMMAND RESPONSE calls the body")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries update branch-vienna --label site=vienna\n")
    .action(update);
  addTokenCommands(command);
  addCredentialCommands(command);
  withHubOptions(command.command("remove <name-or-id>"))
    .description("remove a primary: its token is void and its connection is cut at once")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport primaries remove branch-vienna --yes\n")
    .action(remove);
  return command;
}

async function add(
  name: string,
  options: Options & { group?: string; priority?: number; label: Record<string, string> },
): Promise<void> {
  await using hub = HubClient.from(options);
  const { group, priority } = options;
  const created = await hub.addPrimary({
    name,
    labels: options.label,
    ...(group === undefined ? {} : { groupId: group }),
    ...(priority === undefined ? {} : { priority }),
  });
  if (options.json) {
    printJson(created);
    return;
  }
  printLine(`Enrolled ${created.name} (${created.id}).`);
  printLine("Details URL for its administrator; it works once, within an hour:");
  printLine(`  ${created.detailsUrl}`);
  printLine("There: sallyport endpoint add --url <details URL>, or add a host from URL in NetBackup.");
}

async function list(
  options: Options & { name?: string; label: string[]; state?: string; sort?: string },
): Promise<void> {
  await using hub = HubClient.from(options);
  const { name, label, state, sort } = options;
  const primaries = await hub.listPrimaries({ q: name, label, state, sort });
  if (options.json) {
    printJson(primaries);
    return;
  }
  const isFiltered = name !== undefined || label.length > 0 || state !== undefined;
  printTable(
    ["name", "state", "since", "last seen", "address", "last close", "id"],
    primaries.map(rowOf),
    isFiltered
      ? "No primary matches."
      : "No primary is enrolled yet; begin with: sallyport primaries add NAME",
  );
}

async function show(nameOrId: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const { id } = await hub.findPrimary(nameOrId);
  const path = `/api/v1/primaries/${encodeURIComponent(id)}`;
  const [primary, timeline] = await Promise.all([
    hub.get(path, listedPrimary),
    hub.get(`${path}/timeline`, pageOf(timelineEntry), { limit: 20 }),
  ]);
  if (options.json) {
    printJson({ ...primary, timeline: timeline.data });
    return;
  }
  const { connection } = primary;
  printLine(`${primary.name} (${primary.id})`);
  printLine(
    `  ${connection.state} since ${connection.since ?? "ever"}, last seen ${connection.lastSeenAt ?? "never"}`,
  );
  if (primary.lastGap) {
    printLine(`  ${primary.lastGap.message} (found ${primary.lastGap.time})`);
    printLine(`  ${primary.lastGap.advice}`);
  }
  printTable(
    ["time", "what", "address", "close", "cause", "advice", "tracking id"],
    timeline.data.map((entry) => [
      entry.time,
      entry.event,
      entry.remoteAddress ?? "",
      [entry.closeCode, entry.closeReason].filter((part) => part !== null && part !== undefined).join(" "),
      entry.cause ?? "",
      entry.advice ?? "",
      entry.trackingId ?? "",
    ]),
    "It has not connected yet.",
  );
}

interface Changes {
  name?: string;
  label?: Record<string, string>;
  labels: boolean;
  statusMember?: string;
  bodyMember?: string;
}

async function update(nameOrId: string, options: Options & Changes): Promise<void> {
  const change = changeOf(options);
  if (Object.keys(change).length === 0) {
    throw new Failure(
      "nothing to change: give --name, --label, --no-labels, --status-member or --body-member",
      {
        exitCode: 2,
      },
    );
  }
  await using hub = HubClient.from(options);
  const { id } = await hub.findPrimary(nameOrId);
  const changed = await hub.patch(`/api/v1/primaries/${encodeURIComponent(id)}`, listedPrimary, change);
  if (options.json) printJson(changed);
  else printLine(`Changed ${changed.name} (${changed.id}).`);
}

function changeOf({ name, label, labels: keepsLabels, statusMember, bodyMember }: Changes): object {
  const dialect = {
    ...(statusMember === undefined ? {} : { statusMember }),
    ...(bodyMember === undefined ? {} : { bodyMember }),
  };
  return {
    ...(name === undefined ? {} : { name }),
    ...(label === undefined ? {} : { labels: label }),
    ...(keepsLabels ? {} : { labels: {} }),
    ...(Object.keys(dialect).length === 0 ? {} : { dialect }),
  };
}

function rowOf({ id, name, connection }: ListedPrimary): string[] {
  const { state, since, lastSeenAt, remoteAddress, closeCode, closeReason } = connection;
  const close =
    closeCode === null || closeCode === undefined ? "" : `${closeCode} ${closeReason ?? ""}`.trim();
  return [name, state, since ?? "", lastSeenAt ?? "", remoteAddress ?? "", close, id];
}

async function remove(nameOrId: string, options: Options & { yes: boolean }): Promise<void> {
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  if (options.yes) await hub.removePrimary(id);
  if (options.json) printJson({ id, name, removed: options.yes });
  else if (options.yes) printLine(`Removed ${name} (${id}).`);
  else printLine(`This would remove ${name} (${id}) and cut its connection; add --yes to do it.`);
}
