import { Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { alert, alertRule } from "../client/hub-schemas.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { labels, span, wholeNumber } from "./option-values.ts";

interface Options extends HubOptions {
  json: boolean;
}

const rulesPath = "/api/v1/alert-rules";

const kinds = ["no_good_backup", "primary_silent", "notifications_missing", "inbox_behind"];

/** `sallyport alerts …`: what should have happened and did not. */
export function alertsCommand(): Command {
  const command = new Command("alerts").description("what should have happened and did not");
  withHubOptions(command.command("list"))
    .description("alerts, newest first")
    .addOption(new Option("--state <state>").choices(["open", "resolved", "all"]).default("open"))
    .addOption(new Option("--kind <kind>").choices(kinds))
    .option("--limit <n>", "how many at most", wholeNumber, 100)
    .addHelpText("after", "\nExample:\n  $ sallyport alerts list\n")
    .action(list);
  withHubOptions(command.command("acknowledge <id>"))
    .description("say that somebody looks after it")
    .option("--mute-for <span>", "tell nobody about it for so long, such as 8h", span)
    .addHelpText("after", "\nExample:\n  $ sallyport alerts acknowledge ID --mute-for 8h\n")
    .action(acknowledge);
  const rules = command.command("rules").description("what to watch for");
  withHubOptions(rules.command("list"))
    .description("list the rules")
    .addHelpText("after", "\nExample:\n  $ sallyport alerts rules list\n")
    .action(listRules);
  withHubOptions(rules.command("add <name>"))
    .description("watch for something that has to happen")
    .addOption(new Option("--kind <kind>").choices(kinds).makeOptionMandatory())
    .requiredOption(
      "--after <span>",
      "how long it may be missing, such as 26h or 30m; for notifications_missing how long it is shown",
      span,
    )
    .option("--policy <name>", "for no_good_backup: of one policy")
    .option("--client <name>", "for no_good_backup: of one client")
    .option("--label <name=value>", "only primaries with this label", labels, {})
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport alerts rules add nightly --kind no_good_backup --after 26h --policy nightly\n",
    )
    .action(addRule);
  for (const enabled of [true, false]) {
    const verb = enabled ? "enable" : "disable";
    withHubOptions(rules.command(`${verb} <id>`))
      .description(enabled ? "watch again" : "stop watching; its open alerts are resolved")
      .addHelpText("after", `\nExample:\n  $ sallyport alerts rules ${verb} ID\n`)
      .action((id: string, options: Options) => setEnabled(id, enabled, options));
  }
  withHubOptions(rules.command("remove <id>"))
    .description("remove a rule; its open alerts are resolved")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport alerts rules remove ID --yes\n")
    .action(removeRule);
  return command;
}

async function list(options: Options & { state: string; kind?: string; limit: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const { state, kind, limit } = options;
  const alerts = await hub.all(
    "/api/v1/alerts",
    alert,
    { state, kind, limit: Math.min(limit, 1_000) },
    limit,
  );
  if (options.json) {
    printJson(alerts);
    return;
  }
  printTable(
    ["raised", "primary", "what", "do", "state", "id"],
    alerts.map((one) => [
      one.raisedAt,
      one.primaryName ?? "the hub",
      one.message,
      one.advice,
      stateOf(one),
      one.id,
    ]),
    state === "open" ? "Nothing is missing." : "No alert matches.",
  );
}

function stateOf({ resolvedAt, acknowledgedBy, mutedUntil }: z.infer<typeof alert>): string {
  if (resolvedAt !== null && resolvedAt !== undefined) return `resolved ${resolvedAt}`;
  const by = acknowledgedBy ?? undefined;
  const until = mutedUntil ?? undefined;
  return [
    by === undefined ? "open" : `acknowledged by ${by}`,
    until === undefined ? "" : `muted until ${until}`,
  ]
    .filter(Boolean)
    .join(", ");
}

async function acknowledge(id: string, options: Options & { muteFor?: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const muteUntil =
    options.muteFor === undefined ? undefined : new Date(Date.now() + options.muteFor).toISOString();
  const changed = await hub.post(
    `/api/v1/alerts/${encodeURIComponent(id)}/acknowledge`,
    alert,
    muteUntil === undefined ? {} : { muteUntil },
  );
  if (options.json) printJson(changed);
  else printLine(`${changed.message} (${stateOf(changed)})`);
}

async function listRules(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const rules = await hub.all(rulesPath, alertRule);
  if (options.json) {
    printJson(rules);
    return;
  }
  printTable(
    ["name", "kind", "condition", "state", "id"],
    rules.map(({ id, name, condition, enabled }) => [
      name,
      condition.kind,
      conditionText(condition),
      enabled ? "enabled" : "disabled",
      id,
    ]),
    "Nothing is watched; begin with: sallyport alerts rules add NAME --kind no_good_backup --after 26h",
  );
}

function conditionText({ kind: _kind, ...members }: { kind: string; [member: string]: unknown }): string {
  const told = Object.entries(members).filter(
    ([, value]) => value !== undefined && JSON.stringify(value) !== "{}" && JSON.stringify(value) !== "[]",
  );
  return told
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

async function addRule(
  name: string,
  options: Options & {
    kind: string;
    after: number;
    policy?: string;
    client?: string;
    label: Record<string, string>;
  },
): Promise<void> {
  const condition = conditionOf(options);
  await using hub = HubClient.from(options);
  const rule = await hub.post(rulesPath, alertRule, { name, condition });
  if (options.json) printJson(rule);
  else printLine(`Watching: ${rule.name} (${rule.id}).`);
}

function conditionOf(options: {
  kind: string;
  after: number;
  policy?: string;
  client?: string;
  label: Record<string, string>;
}): Record<string, unknown> {
  const { kind, after, policy, client, label } = options;
  const inUnit = (unitMs: number, unit: string) => {
    if (after >= unitMs && after % unitMs === 0) return after / unitMs;
    throw new InvalidArgumentError(`--after has to be a whole number of ${unit} for ${kind}`);
  };
  if (kind === "inbox_behind") return { kind, seconds: inUnit(1_000, "seconds") };
  if (kind === "primary_silent") return { kind, minutes: inUnit(60_000, "minutes"), labels: label };
  const hours = inUnit(3_600_000, "hours");
  if (kind === "notifications_missing") return { kind, hours, labels: label };
  return {
    kind,
    hours,
    labels: label,
    ...(policy === undefined ? {} : { policy }),
    ...(client === undefined ? {} : { client }),
  };
}

async function setEnabled(id: string, enabled: boolean, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const rule = await hub.patch(`${rulesPath}/${encodeURIComponent(id)}`, alertRule, { enabled });
  if (options.json) printJson(rule);
  else printLine(`${rule.name} is ${enabled ? "watched again" : "not watched any more"}.`);
}

async function removeRule(id: string, options: Options & { yes: boolean }): Promise<void> {
  await using hub = HubClient.from(options);
  const { name } = await hub.get(`${rulesPath}/${encodeURIComponent(id)}`, alertRule);
  if (options.yes) await hub.delete(`${rulesPath}/${encodeURIComponent(id)}`);
  if (options.json) printJson({ id, name, removed: options.yes });
  else if (options.yes) printLine(`Removed ${name} (${id}).`);
  else printLine(`This would remove ${name} (${id}) and resolve its open alerts; add --yes to do it.`);
}
