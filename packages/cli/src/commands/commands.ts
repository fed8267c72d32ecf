import { Command, Option } from "commander";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { storedCommand } from "../client/hub-schemas.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { wholeNumber } from "./option-values.ts";

interface Options extends HubOptions {
  json: boolean;
}

const path = "/api/v1/commands";
const states = ["queued", "sent", "done", "failed", "expired", "cancelled", "unknown"];

/** `sallyport commands …`: calls that the hub keeps until the primary is there (`sallyport call --async`). */
export function commandsCommand(): Command {
  const command = new Command("commands").description("calls that the hub keeps until the primary is there");
  withHubOptions(command.command("list"))
    .description("the stored calls, newest first")
    .option("--primary <name-or-id>", "of one primary")
    .addOption(new Option("--state <state>").choices(states))
    .option("--limit <n>", "how many at most", wholeNumber, 50)
    .addHelpText("after", "\nExample:\n  $ sallyport commands list --state queued\n")
    .action(list);
  withHubOptions(command.command("show <id>"))
    .description("one stored call, with the primary's answer while it is kept")
    .addHelpText("after", "\nExample:\n  $ sallyport commands show ID\n")
    .action(show);
  withHubOptions(command.command("cancel <id>"))
    .description("take back a call that was not sent yet")
    .addHelpText("after", "\nExample:\n  $ sallyport commands cancel ID\n")
    .action(cancel);
  return command;
}

async function list(options: Options & { primary?: string; state?: string; limit: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const primary = options.primary === undefined ? undefined : (await hub.findPrimary(options.primary)).id;
  const { state, limit } = options;
  const query = { primary, state, limit: Math.min(limit, 1_000) };
  const commands = await hub.all(path, storedCommand, query, limit);
  if (options.json) {
    printJson(commands);
    return;
  }
  printTable(
    ["created", "by", "call", "state", "expires", "id"],
    commands.map((one) => [
      one.createdAt,
      one.createdBy,
      `${one.method} ${one.path}`,
      one.error === null || one.error === undefined ? one.state : `${one.state}: ${one.error}`,
      one.expiresAt,
      one.id,
    ]),
    "No stored call matches.",
  );
}

async function show(id: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const command = await hub.get(`${path}/${encodeURIComponent(id)}`, storedCommand);
  if (options.json) {
    printJson(command);
    return;
  }
  printLine(`${command.method} ${command.path}: ${command.state}`);
  if (command.error !== null && command.error !== undefined) {
    printLine(
      `${command.error}; ${command.retrySafe ? "it may be sent again" : "it may have been carried out"}`,
    );
  }
  if (command.answer !== null && command.answer !== undefined) {
    printLine(`The primary answered ${command.answer.status}:`);
    printLine(command.answer.body);
  }
}

async function cancel(id: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  await hub.delete(`${path}/${encodeURIComponent(id)}`);
  if (options.json) printJson({ id, cancelled: true });
  else printLine(`${id} is cancelled.`);
}
