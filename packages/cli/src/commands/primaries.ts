import { Command } from "commander";
import { HubClient, type HubOptions, type ListedPrimary } from "../client/hub-client.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";

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
    .addHelpText("after", "\nExample:\n  $ sallyport primaries add branch-vienna\n")
    .action(add);
  withHubOptions(command.command("list"))
    .description("list the primaries and whether they are connected")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries list --json | jq -r '.[].name'\n")
    .action(list);
  withHubOptions(command.command("remove <name-or-id>"))
    .description("remove a primary: its token is void and its connection is cut at once")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .action(remove);
  return command;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Failure(`"${text}" is no whole number`, { exitCode: 2 });
  return Number(text);
}

async function add(name: string, options: Options & { group?: string; priority?: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const { group, priority } = options;
  const created = await hub.addPrimary({
    name,
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

async function list(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const primaries = await hub.listPrimaries();
  if (options.json) {
    printJson(primaries);
    return;
  }
  printTable(
    ["name", "state", "since", "last seen", "address", "last close", "id"],
    primaries.map(rowOf),
    "No primary is enrolled yet; begin with: sallyport primaries add NAME",
  );
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
