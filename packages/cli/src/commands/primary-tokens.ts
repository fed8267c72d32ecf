import type { Command } from "commander";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { newDetails, token } from "../client/hub-schemas.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { span, wholeNumber } from "./option-values.ts";

interface Options extends HubOptions {
  json: boolean;
}

const pathOf = (id: string) => `/api/v1/primaries/${encodeURIComponent(id)}`;

/** Adds what concerns a primary's tokens and endpoint details to `sallyport primaries`. */
export function addTokenCommands(command: Command): void {
  withHubOptions(command.command("details <name-or-id>"))
    .description("make endpoint details for one more endpoint, with a token of its own")
    .option("--group <id>", "server group")
    .option("--priority <n>", "priority within the group; lower is preferred", wholeNumber)
    .option("--url <url>", "another public address of the hub, as configured there")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries details branch-vienna --group second\n")
    .action(details);
  withHubOptions(command.command("rotate <name-or-id>"))
    .description("make a new token; the old one works until the overlap ends")
    .option("--group <id>", "the endpoint's server group, when the primary has several")
    .option(
      "--overlap <span>",
      "such as 24h; 0 ends the old one, and its connection, at once",
      span,
      86_400_000,
    )
    .addHelpText("after", "\nExample:\n  $ sallyport primaries rotate branch-vienna --overlap 1h\n")
    .action(rotate);
  withHubOptions(command.command("tokens <name-or-id>"))
    .description("list a primary's tokens, never the tokens themselves")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries tokens branch-vienna\n")
    .action(listTokens);
  withHubOptions(command.command("end-token <name-or-id> <token-id>"))
    .description("end a token, and the connection that used it, at once")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport primaries end-token branch-vienna ID --yes\n")
    .action(endToken);
}

async function details(
  nameOrId: string,
  options: Options & { group?: string; priority?: number; url?: string },
): Promise<void> {
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  const { group, priority, url } = options;
  const made = await hub.post(`${pathOf(id)}/details`, newDetails, {
    ...(group === undefined ? {} : { groupId: group }),
    ...(priority === undefined ? {} : { priority }),
    ...(url === undefined ? {} : { url }),
  });
  if (options.json) printJson(made);
  else printDetails(name, made.detailsUrl);
}

async function rotate(
  nameOrId: string,
  options: Options & { group?: string; overlap: number },
): Promise<void> {
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  const { group, overlap } = options;
  const made = await hub.post(`${pathOf(id)}/token`, newDetails, {
    overlapMs: overlap,
    ...(group === undefined ? {} : { groupId: group }),
  });
  if (options.json) printJson(made);
  else printDetails(name, made.detailsUrl);
}

function printDetails(name: string, detailsUrl: string): void {
  printLine(`Details URL for the administrator of ${name}; it works once, within an hour:`);
  printLine(`  ${detailsUrl}`);
}

async function listTokens(nameOrId: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const { id } = await hub.findPrimary(nameOrId);
  const tokens = await hub.all(`${pathOf(id)}/tokens`, token);
  if (options.json) {
    printJson(tokens);
    return;
  }
  printTable(
    ["group", "priority", "created", "expires", "last used", "from", "id"],
    tokens.map((one) => [
      one.groupId,
      String(one.priority),
      one.createdAt,
      one.expiresAt ?? "never",
      one.lastUsedAt ?? "never",
      one.lastUsedFrom ?? "",
      one.id,
    ]),
    "It has no token any more; make one with: sallyport primaries rotate",
  );
}

async function endToken(
  nameOrId: string,
  tokenId: string,
  options: Options & { yes: boolean },
): Promise<void> {
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  if (options.yes) await hub.delete(`${pathOf(id)}/tokens/${encodeURIComponent(tokenId)}`);
  if (options.json) printJson({ id: tokenId, ended: options.yes });
  else if (options.yes) printLine(`Ended ${tokenId} of ${name}.`);
  else printLine(`This would end ${tokenId} of ${name} and cut its connection; add --yes to do it.`);
}
