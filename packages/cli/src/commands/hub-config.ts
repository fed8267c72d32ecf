import { Command } from "commander";
import {
  checkKeyPair,
  hubSettings,
  readKeyPair,
  type HubSettings,
  type ResolvedSettings,
} from "@sallyport/hub";
import { asked } from "./hub-failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { readSecret } from "../secrets.ts";
import { readOidcOptions } from "./hub-oidc.ts";
import { readHubSettings, withHubSettings } from "./hub-settings.ts";

/** `sallyport hub check-config`: whether a hub would start with these settings. */
export function checkConfigCommand(): Command {
  const command = new Command("check-config").description(
    "check flags, environment and configuration file, and the files that they name, without starting anything",
  );
  return withHubSettings(command)
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ sallyport hub check-config --config /etc/sallyport/hub.yaml\n")
    .action(async (options: Record<string, unknown>) => {
      const { settings, origins } = readHubSettings(options);
      await asked(checkFiles(settings));
      if (options["json"] === true) printJson({ good: true, given: origins.size });
      else printLine(`The settings are good (${origins.size} given, the others have their defaults).`);
    });
}

/** `sallyport hub config`: the settings in effect, and where each comes from. */
export function configCommand(): Command {
  const command = new Command("config").description(
    "show the settings in effect and where each comes from; secrets are in none of them",
  );
  return withHubSettings(command)
    .option("--show", "show them (it does nothing else)", true)
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ sallyport hub config --config /etc/sallyport/hub.yaml\n")
    .action((options: Record<string, unknown>) => {
      const resolved = readHubSettings(options);
      const rows = rowsOf(resolved);
      if (options["json"] === true) {
        printJson(Object.fromEntries(rows.map(({ path, value, from }) => [path, { value, from }])));
        return;
      }
      const head = ["setting", "value", "from"];
      printTable(
        head,
        rows.map(({ path, value, from }) => [path, value === null ? "–" : shown(value), from]),
        "",
      );
    });
}

interface Row {
  path: string;
  value: unknown;
  from: string;
}

function rowsOf({ settings, origins }: ResolvedSettings): Row[] {
  return hubSettings.map(({ path }) => {
    let value: unknown = settings;
    for (const name of path.split(".")) value = (value as Record<string, unknown>)[name];
    return { path, value: value ?? null, from: origins.get(path) ?? "default" };
  });
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

async function checkFiles({ tls, adminKeyFile, oidc }: HubSettings): Promise<void> {
  if (tls.cert !== undefined && tls.key !== undefined) {
    checkKeyPair(await readKeyPair({ certFile: tls.cert, keyFile: tls.key }));
  }
  if (adminKeyFile !== undefined) readSecret("the administrator's key", "--admin-key-file", adminKeyFile, "");
  readOidcOptions(oidc);
}
