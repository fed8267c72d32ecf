import { Command, Option } from "commander";
import { z } from "zod";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { user } from "../client/hub-schemas.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { readSecret } from "../secrets.ts";
import { withHubOptions } from "./hub-options.ts";
import { scopeOf, scopeText, withScopeOptions, type ScopeOptions } from "./scope-options.ts";

interface Options extends HubOptions {
  json: boolean;
}

const path = "/api/v1/users";
const passwordVariable = "SALLYPORT_NEW_PASSWORD";

/** `sallyport users …`: who may sign in to the console. */
export function usersCommand(): Command {
  const command = new Command("users").description("the people who may sign in to the hub's console");
  withScopeOptions(withHubOptions(command.command("create <login>")))
    .description("add a user")
    .option("--name <name>", "the full name")
    .option("--password-file <file>", `file that holds the password (or ${passwordVariable})`)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport users create jane --role operator --password-file jane.txt\n",
    )
    .action(create);
  withHubOptions(command.command("list"))
    .description("list the users")
    .addHelpText("after", "\nExample:\n  $ sallyport users list\n")
    .action(list);
  withHubOptions(command.command("update <login>"))
    .description("change name or role of a user, or disable or enable one")
    .option("--name <name>", "the full name")
    .addOption(new Option("--role <role>").choices(["viewer", "operator", "administrator"]))
    .option("--disable", "end all sessions and let nobody sign in as this user")
    .option("--enable", "let the user sign in again")
    .addHelpText("after", "\nExample:\n  $ sallyport users update jane --disable\n")
    .action(update);
  withHubOptions(command.command("password <login>"))
    .description("set a user's password; all sessions of the user end")
    .option("--password-file <file>", `file that holds the password (or ${passwordVariable})`)
    .addHelpText("after", "\nExample:\n  $ sallyport users password jane --password-file jane.txt\n")
    .action(setPassword);
  withHubOptions(command.command("remove <login>"))
    .description("remove a user")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport users remove jane --yes\n")
    .action(remove);
  return command;
}

function find(hub: HubClient, login: string): Promise<z.infer<typeof user>> {
  return hub.findOne(path, user, "user", ({ id, login: own }) => [id, own], login);
}

function newPassword(file: string | undefined): string {
  return readSecret("the password", "--password-file", file, passwordVariable);
}

async function create(
  login: string,
  options: Options & ScopeOptions & { name?: string; passwordFile?: string },
): Promise<void> {
  const password = newPassword(options.passwordFile);
  await using hub = HubClient.from(options);
  const { role, name } = options;
  const scope = await scopeOf(hub, options);
  const created = await hub.post(path, user, {
    login,
    role,
    scope,
    password,
    ...(name === undefined ? {} : { name }),
  });
  if (options.json) printJson(created);
  else printLine(`Added ${created.login} (${created.role}).`);
}

async function list(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const users = await hub.all(path, user);
  if (options.json) {
    printJson(users);
    return;
  }
  printTable(
    ["login", "name", "role", "scope", "state", "last sign-in"],
    users.map(({ login, name, role, scope, disabled, lastSignInAt }) => [
      login,
      name,
      role,
      scopeText(scope),
      disabled ? "disabled" : "enabled",
      lastSignInAt ?? "never",
    ]),
    "There is no user; API keys work without one.",
  );
}

async function update(
  login: string,
  options: Options & { name?: string; role?: string; disable?: true; enable?: true },
): Promise<void> {
  const { name, role, disable, enable } = options;
  if (disable === true && enable === true) {
    throw new Failure("--disable and --enable exclude each other", { exitCode: 2 });
  }
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(role === undefined ? {} : { role }),
    ...(disable === true ? { disabled: true } : {}),
    ...(enable === true ? { disabled: false } : {}),
  };
  if (Object.keys(change).length === 0) {
    throw new Failure("nothing to change: give --name, --role, --disable or --enable", { exitCode: 2 });
  }
  await using hub = HubClient.from(options);
  const { id } = await find(hub, login);
  const changed = await hub.patch(`${path}/${encodeURIComponent(id)}`, user, change);
  if (options.json) printJson(changed);
  else printLine(`Changed ${changed.login}: ${changed.role}, ${changed.disabled ? "disabled" : "enabled"}.`);
}

async function setPassword(login: string, options: Options & { passwordFile?: string }): Promise<void> {
  const password = newPassword(options.passwordFile);
  await using hub = HubClient.from(options);
  const { id } = await find(hub, login);
  await hub.post(`${path}/${encodeURIComponent(id)}/password`, z.unknown(), { password });
  if (options.json) printJson({ id, changed: true });
  else printLine(`The password of ${login} is changed.`);
}

async function remove(login: string, options: Options & { yes: boolean }): Promise<void> {
  await using hub = HubClient.from(options);
  const { id } = await find(hub, login);
  if (options.yes) await hub.delete(`${path}/${encodeURIComponent(id)}`);
  if (options.json) printJson({ id, login, removed: options.yes });
  else if (options.yes) printLine(`Removed ${login}.`);
  else printLine(`This would remove ${login} and end all sessions of that user; add --yes to do it.`);
}
