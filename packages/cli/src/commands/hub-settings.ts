import { readFileSync, statSync } from "node:fs";
import { Option, type Command } from "commander";
import {
  fileVariable,
  HubError,
  hubSettings,
  limitFlag,
  resolveSettings,
  type ResolvedSettings,
  type Setting,
  type SettingsSources,
} from "@sallyport/hub";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";

/** What commander makes of the flags. */
type Flags = Readonly<Record<string, unknown>>;

/** A configuration file has a few kilobytes; whatever is larger is another file by mistake. */
const maxConfigBytes = 1024 * 1024;

/** Adds a flag for each of the hub's settings, and `--config` for the file that may hold them. */
export function withHubSettings(command: Command): Command {
  command.option("--config <file>", `settings, YAML or JSON (or ${fileVariable}); flags go before it`);
  for (const { flag, placeholder, description, defaultValue } of ownFlags()) {
    // Commander knows no defaults: a flag that was not given must not hide the variable or the file.
    const shown =
      defaultValue === undefined
        ? description
        : `${description} (default: ${JSON.stringify(defaultValue).replaceAll('"', "")})`;
    command.addOption(new Option(`${flag} <${placeholder}>`, shown));
  }
  return command.addOption(
    new Option(`${limitFlag} <name=value>`, "sets a bound, such as maxCommandsPerPrimary=64; may be repeated")
      .default([] as string[], "none")
      .argParser((value: string, before: string[]) => [...before, value]),
  );
}

/**
 * Puts a hub's settings together from flags, environment and file.
 * @throws Failure with one line for each thing that is wrong
 */
export function readHubSettings(flags: Flags): ResolvedSettings {
  const name = (flags["config"] as string | undefined) ?? fromEnvironment(fileVariable);
  try {
    return resolveSettings({
      flags: valuesOf(flags),
      environment: process.env,
      file: name === undefined ? undefined : { name, text: readConfig(name) },
    });
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    throw new Failure(error.message, { cause: error, exitCode: 2 });
  }
}

function ownFlags(): Setting[] {
  return hubSettings.filter(({ flag }) => flag !== limitFlag);
}

function valuesOf(flags: Flags): SettingsSources["flags"] {
  const values: Record<string, string> = {};
  for (const { path, flag } of ownFlags()) {
    const value = flags[new Option(flag).attributeName()];
    if (typeof value === "string") values[path] = value;
  }
  for (const given of flags["limit"] as string[]) {
    const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(given) ?? [];
    const path = `limits.${name}`;
    if (!hubSettings.some((setting) => setting.path === path)) {
      throw new Failure(`${limitFlag} has to be NAME=VALUE with a NAME that docs/configuration.md has`, {
        exitCode: 2,
      });
    }
    values[path] = value;
  }
  return values;
}

function readConfig(name: string): string {
  try {
    const { size } = statSync(name);
    if (size > maxConfigBytes) throw new Error(`it has more than ${maxConfigBytes} bytes`);
    return readFileSync(name, "utf8");
  } catch (error) {
    const message = `the configuration file can't be read: ${(error as Error).message}`;
    throw new Failure(message, { cause: error, exitCode: 2 });
  }
}
