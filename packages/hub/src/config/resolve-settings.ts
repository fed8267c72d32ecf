import type { z } from "zod";
import { HubError } from "../errors.ts";
import { unknownName, type Given, type Problem } from "./given.ts";
import { readSettingsFile, type SettingsFile } from "./settings-file.ts";
import { hubSettings, limitFlag, variablePrefix, type Setting } from "./setting-list.ts";
import { hubSettingsSchema, type HubSettings } from "./settings.ts";

/** Where settings come from. */
export interface SettingsSources {
  /** Values of flags, by the path of the setting. */
  flags: Readonly<Record<string, string>>;
  environment: Readonly<Record<string, string | undefined>>;
  file?: SettingsFile | undefined;
}

/** Settings, checked, and where each came from. */
export interface ResolvedSettings {
  settings: HubSettings;
  /** By the setting's path: a flag, a variable, `FILE:LINE`; a setting that is not there has its default. */
  origins: ReadonlyMap<string, string>;
}

/** The variable that names the configuration file. */
export const fileVariable = `${variablePrefix}CONFIG`;
/** Kubernetes gives each container such variables for a service of the name `sallyport-hub`. */
const kubernetesVariable = /^SALLYPORT_HUB_(?:SERVICE_(?:HOST|PORT\w*)|PORT(?:_\d+_\w+)?)$/;

/**
 * Puts the settings together: a flag goes before the environment, that before the file, that before the default.
 * @throws HubError `bad_setting` that lists everything that is wrong, with where it was given
 */
export function resolveSettings(sources: SettingsSources): ResolvedSettings {
  const fromFile = sources.file === undefined ? { given: [], problems: [] } : readSettingsFile(sources.file);
  const environment = readEnvironment(sources.environment);
  const given = new Map<string, Given>();
  for (const one of [...fromFile.given, ...environment.given, ...readFlags(sources.flags)]) {
    given.set(one.path, one);
  }
  const parsed = hubSettingsSchema.safeParse(toTree(given.values()));
  const problems = [...fromFile.problems, ...environment.problems];
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => toProblem(issue, given)));
  }
  if (!parsed.success || problems.length > 0) {
    throw new HubError(
      "bad_setting",
      problems.map(({ origin, message }) => `${origin} ${message}`).join("\n"),
    );
  }
  const origins = new Map([...given.values()].map(({ path, origin }) => [path, origin]));
  return { settings: parsed.data, origins };
}

function readFlags(flags: Readonly<Record<string, string>>): Given[] {
  return hubSettings.flatMap((setting) => {
    const value = Object.hasOwn(flags, setting.path) ? flags[setting.path] : undefined;
    return value === undefined
      ? []
      : [{ path: setting.path, value: toValue(setting, value), origin: nameOf(setting) }];
  });
}

/** A variable that is set to nothing counts as not set. */
function readEnvironment(environment: SettingsSources["environment"]): {
  given: Given[];
  problems: Problem[];
} {
  const given: Given[] = [];
  const problems: Problem[] = [];
  const variables = hubSettings.map(({ variable }) => variable);
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(variablePrefix) || name === fileVariable || value === undefined || value === "")
      continue;
    const setting = hubSettings.find(({ variable }) => variable === name);
    if (setting !== undefined)
      given.push({ path: setting.path, value: toValue(setting, value), origin: name });
    else if (!kubernetesVariable.test(name)) {
      problems.push({ origin: name, message: `is set, but ${unknownName("variable", name, variables)}` });
    }
  }
  return { given, problems };
}

/** What is no number stays a text, which the schema refuses. */
function toValue({ kind }: Setting, text: string): unknown {
  if (kind === "number") return /^\d{1,16}$/.test(text) ? Number(text) : text;
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return kind === "list" ? text.split(",").map((part) => part.trim()) : text;
}

function toTree(given: Iterable<Given>): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const { path, value } of given) {
    const names = path.split(".");
    const last = names.pop() ?? "";
    let branch = tree;
    for (const name of names) branch = (branch[name] ??= {}) as Record<string, unknown>;
    branch[last] = value;
  }
  return tree;
}

function toProblem(issue: z.core.$ZodIssue, given: ReadonlyMap<string, Given>): Problem {
  const path = issue.path.join(".");
  const setting = hubSettings.find((known) => known.path === path);
  const origin = given.get(path)?.origin;
  if (origin !== undefined) {
    return { origin, message: origin.startsWith("--") ? issue.message : `${path} ${issue.message}` };
  }
  const names =
    setting === undefined ? path : `${setting.flag}, ${setting.variable} or the key ${setting.path}`;
  return { origin: names, message: issue.message };
}

function nameOf({ flag, path }: Setting): string {
  return flag === limitFlag ? `${limitFlag} ${path.slice(path.indexOf(".") + 1)}` : flag;
}
