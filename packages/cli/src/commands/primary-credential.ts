import type { Command } from "commander";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { credential } from "../client/hub-schemas.ts";
import { printJson, printLine } from "../output/print.ts";
import { readSecret } from "../secrets.ts";
import { withHubOptions } from "./hub-options.ts";

interface Options extends HubOptions {
  json: boolean;
}

const pathOf = (id: string) => `/api/v1/primaries/${encodeURIComponent(id)}/credential`;

/** Adds what concerns the stored NetBackup credential to `sallyport primaries`. */
export function addCredentialCommands(command: Command): void {
  withHubOptions(command.command("set-credential <name-or-id>"))
    .description("have the hub log in at the primary by itself, for callers that bring no credential")
    .requiredOption("--user <name>", "NetBackup user")
    .option("--password-file <file>", "file that holds the password (or SALLYPORT_PRIMARY_PASSWORD)")
    .option("--domain <name>", "NetBackup domain")
    .option("--domain-type <type>", "such as unixpwd or vx")
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport primaries set-credential branch-vienna --user hub --password-file hub.txt\n",
    )
    .action(set);
  withHubOptions(command.command("credential <name-or-id>"))
    .description("show which credential is stored, never the secret")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries credential branch-vienna\n")
    .action(show);
  withHubOptions(command.command("forget-credential <name-or-id>"))
    .description("remove the stored credential")
    .addHelpText("after", "\nExample:\n  $ sallyport primaries forget-credential branch-vienna\n")
    .action(forget);
}

async function set(
  nameOrId: string,
  options: Options & { user: string; passwordFile?: string; domain?: string; domainType?: string },
): Promise<void> {
  const password = readSecret(
    "the password",
    "--password-file",
    options.passwordFile,
    "SALLYPORT_PRIMARY_PASSWORD",
  );
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  const { user, domain, domainType } = options;
  const stored = await hub.put(pathOf(id), credential, {
    userName: user,
    password,
    ...(domain === undefined ? {} : { domainName: domain }),
    ...(domainType === undefined ? {} : { domainType }),
  });
  if (options.json) printJson(stored);
  else printLine(`The hub logs in at ${name} as ${user} from now on.`);
}

async function show(nameOrId: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  const stored = await hub.get(pathOf(id), credential);
  if (options.json) {
    printJson(stored);
    return;
  }
  const who = stored.kind === "api-key" ? "an API key" : `the user ${stored.userName ?? ""}`;
  printLine(`${name}: ${who}, set ${stored.setAt} by ${stored.setBy}`);
  const login = stored.lastLoginOk === true ? "worked" : "failed";
  printLine(
    stored.lastLoginAt === null || stored.lastLoginAt === undefined
      ? "It was not used yet."
      : `The last login, ${stored.lastLoginAt}, ${login}.`,
  );
}

async function forget(nameOrId: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  await hub.delete(pathOf(id));
  if (options.json) printJson({ id, removed: true });
  else printLine(`The hub has forgotten its credential for ${name}.`);
}
