import { Command } from "commander";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { apiKey, createdApiKey } from "../client/hub-schemas.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { span } from "./option-values.ts";
import { scopeOf, scopeText, withScopeOptions, type ScopeOptions } from "./scope-options.ts";

interface Options extends HubOptions {
  json: boolean;
}

const path = "/api/v1/api-keys";

/** `sallyport api-keys …`: who may use the hub's API. */
export function apiKeysCommand(): Command {
  const command = new Command("api-keys").description("make, list and revoke API keys of the hub");
  withScopeOptions(withHubOptions(command.command("create <name>")))
    .description("make an API key; it is printed this once")
    .option("--expires-in <span>", "such as 90d; without it the key does not expire", span)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport api-keys create monitoring --role viewer --expires-in 90d\n" +
        "  $ sallyport api-keys create vienna --role operator --label site=vienna\n",
    )
    .action(create);
  withHubOptions(command.command("list"))
    .description("list the API keys")
    .addHelpText("after", "\nExample:\n  $ sallyport api-keys list\n")
    .action(list);
  withHubOptions(command.command("revoke <name-or-id>"))
    .description("revoke an API key; it stops working at once")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport api-keys revoke monitoring --yes\n")
    .action(revoke);
  return command;
}

async function create(name: string, options: Options & ScopeOptions & { expiresIn?: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const expiresAt =
    options.expiresIn === undefined ? null : new Date(Date.now() + options.expiresIn).toISOString();
  const scope = await scopeOf(hub, options);
  const created = await hub.post(path, createdApiKey, { name, role: options.role, scope, expiresAt });
  if (options.json) {
    printJson(created);
    return;
  }
  printLine(`API key of "${created.name}" (${created.role}), shown this once:`);
  printLine(`  ${created.key}`);
}

async function list(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const keys = await hub.all(path, apiKey);
  if (options.json) {
    printJson(keys);
    return;
  }
  printTable(
    ["name", "role", "scope", "expires", "last used", "from", "id"],
    keys.map((key) => [
      key.name,
      key.role,
      scopeText(key.scope),
      key.expiresAt ?? "never",
      key.lastUsedAt ?? "never",
      key.lastUsedFrom ?? "",
      key.id,
    ]),
    "There is no API key.",
  );
}

async function revoke(nameOrId: string, options: Options & { yes: boolean }): Promise<void> {
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findOne(path, apiKey, "API key", ({ id, name }) => [id, name], nameOrId);
  if (options.yes) await hub.delete(`${path}/${encodeURIComponent(id)}`);
  if (options.json) printJson({ id, name, revoked: options.yes });
  else if (options.yes) printLine(`Revoked ${name} (${id}).`);
  else printLine(`This would revoke ${name} (${id}); add --yes to do it.`);
}
