import { Command } from "commander";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { auditEntry } from "../client/hub-schemas.ts";
import { printJson, printTable } from "../output/print.ts";
import { addAuditFileCommands } from "./audit-files.ts";
import { withHubOptions } from "./hub-options.ts";
import { wholeNumber } from "./option-values.ts";

interface Options extends HubOptions {
  json: boolean;
  limit: number;
  actor?: string;
  action?: string;
  target?: string;
  result?: string;
  since?: string;
  until?: string;
}

/** `sallyport audit …`: who did what; at the hub, and on premises what the cloud did there. */
export function auditCommand(): Command {
  const command = new Command("audit").description(
    "who did what at the hub, and on premises what the cloud did there",
  );
  withHubOptions(command.command("list"))
    .description("entries of the hub's audit, newest first")
    .option("--limit <n>", "how many at most", wholeNumber, 100)
    .option("--actor <id>", "id of an API key or user")
    .option("--action <beginning>", "such as 'command DELETE' or 'POST /api/v1/primaries'")
    .option("--target <path>", "such as /primaries/ID")
    .option("--result <result>", "done, or the code of an error")
    .option("--since <time>", "ISO 8601, such as 2026-11-24T08:00:00Z")
    .option("--until <time>", "ISO 8601")
    .addHelpText("after", "\nExample:\n  $ sallyport audit list --action 'command DELETE' --limit 20\n")
    .action(list);
  addAuditFileCommands(command);
  return command;
}

async function list(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const { actor, action, target, result, since, until, limit } = options;
  const query = { actor, action, target, result, since, until, limit: Math.min(limit, 1_000) };
  const entries = await hub.all("/api/v1/audit", auditEntry, query, limit);
  if (options.json) {
    printJson(entries);
    return;
  }
  printTable(
    ["time", "who", "from", "action", "target", "result"],
    entries.map((entry) => [
      entry.time,
      entry.actor?.name ?? "the hub",
      entry.from,
      entry.action,
      entry.target,
      entry.status === null ? entry.result : `${entry.result} (${entry.status})`,
    ]),
    "No entry matches.",
  );
}
