import { setTimeout as pause } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { rollout, rolloutPreview, rolloutTarget } from "../client/hub-schemas.ts";
import { netbackupJson } from "../client/primary-client.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { Progress } from "../output/progress.ts";
import { bodyOf, headersOf } from "./call-input.ts";
import { withHubOptions } from "./hub-options.ts";
import { collect, labels, span, wholeNumber } from "./option-values.ts";
import { scopeOf } from "./scope-options.ts";

type Rollout = z.infer<typeof rollout>;

interface Options extends HubOptions {
  json: boolean;
}

interface CreateOptions extends Options {
  label: Record<string, string>;
  primary: string[];
  all: boolean;
  body?: string;
  header: string[];
  rate: number;
  maxRunning: number;
  abortAt?: { failedPercent: number; afterEnded: number };
  window: Window[];
  deadline?: number;
  dryRun: boolean;
  watch: boolean;
}

interface Window {
  start: string;
  end: string;
  weekdays?: string[];
}

const path = "/api/v1/rollouts";
const pollMs = 1_000;
const states = ["running", "paused", "aborted", "finished"];

/** `sallyport rollouts …`: one call to many primaries, at a rate, within windows, until too many fail. */
export function rolloutsCommand(): Command {
  const command = new Command("rollouts").description("one call to many primaries, step by step");
  withHubOptions(command.command("create"))
    .description("have the hub make a call at many primaries; each gets it once")
    .argument("<name>", "what it is for")
    .argument("<method>", "GET, POST, PUT, PATCH or DELETE")
    .argument("<path>", "path below /netbackup, such as /config/policies")
    .option("--label <name=value>", "primaries with this label; may be given several times", labels, {})
    .option("--primary <name-or-id>", "this primary; may be given several times", collect, [])
    .option("--all", "all primaries that you may use", false)
    .option("--body <text>", "request body; @FILE reads it from a file, @- from standard input")
    .option("--header <name: value>", "a request header; may be given several times", collect, [])
    .option("--rate <n>", "starts per minute, 1 to 1000", wholeNumber, 60)
    .option("--max-running <n>", "how many may be under way at a time, 1 to 1000", wholeNumber, 10)
    .option(
      "--abort-at <percent/n>",
      "abort when so many percent have failed, once n have ended, such as 10/20",
      abortWhen,
    )
    .option(
      "--window <from-to>",
      "only at this time of day, UTC, such as 22:00-05:00, or sat,sun@00:00-00:00; may be given several times",
      (text: string, all: Window[]) => [...all, windowOf(text)],
      [],
    )
    .option("--deadline <span>", "how long each call may wait for its primary, such as 4h", span)
    .option("--dry-run", "only show which primaries it would reach", false)
    .option("--watch", "follow it to its end; exit code 1 when it was aborted or not all are done", false)
    .addHelpText(
      "after",
      "\nExamples:\n  $ sallyport rollouts create keep-30-days PATCH /config/policies/nightly --body @change.json --label site=vienna --dry-run\n" +
        "  $ sallyport rollouts create keep-30-days PATCH /config/policies/nightly --body @change.json --all --rate 30 --abort-at 10/20 --window 22:00-05:00\n",
    )
    .action(create);
  withHubOptions(command.command("list"))
    .description("rollouts, newest first")
    .addOption(new Option("--state <state>").choices(states))
    .option("--limit <n>", "how many at most", wholeNumber, 50)
    .addHelpText("after", "\nExample:\n  $ sallyport rollouts list --state running\n")
    .action(list);
  withHubOptions(command.command("show <id>"))
    .description("one rollout, with its primaries")
    .addOption(
      new Option("--state <state>", "only primaries in this state, such as waiting, done or refused"),
    )
    .option("--limit <n>", "how many primaries at most", wholeNumber, 100)
    .option("--watch", "follow it to its end", false)
    .addHelpText("after", "\nExample:\n  $ sallyport rollouts show ID --state refused\n")
    .action(show);
  for (const [verb, description] of [
    ["pause", "start no more; what is started goes on"],
    ["resume", "go on with one that is paused"],
  ] as const) {
    withHubOptions(command.command(`${verb} <id>`))
      .description(description)
      .addHelpText("after", `\nExample:\n  $ sallyport rollouts ${verb} ID\n`)
      .action((id: string, options: Options) => change(id, verb, options));
  }
  withHubOptions(command.command("abort <id>"))
    .description("end it: primaries that wait are skipped, calls that have not left are taken back")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport rollouts abort ID --yes\n")
    .action(abort);
  return command;
}

async function create(name: string, method: string, call: string, options: CreateOptions): Promise<void> {
  const hasChoice = options.all || options.primary.length > 0 || Object.keys(options.label).length > 0;
  if (!hasChoice) throw new Failure("say which primaries: --label, --primary or --all", { exitCode: 2 });
  if (options.all && (options.primary.length > 0 || Object.keys(options.label).length > 0)) {
    throw new Failure("--all excludes --label and --primary", { exitCode: 2 });
  }
  await using hub = HubClient.from(options);
  const { abortAt, deadline } = options;
  const body = {
    name,
    command: {
      method: method.toUpperCase(),
      path: call.startsWith("/netbackup/") ? call : `/netbackup/${call.replace(/^\/+/, "")}`,
      headers: {
        accept: netbackupJson,
        "content-type": netbackupJson,
        ...headersOf(options.header),
      },
      ...(options.body === undefined ? {} : { body: bodyOf(options.body) }),
    },
    primaries: options.all ? { kind: "all" } : await scopeOf(hub, { ...options, role: "" }),
    ratePerMinute: options.rate,
    maxRunning: options.maxRunning,
    windows: options.window,
    ...(abortAt === undefined ? {} : { abortWhen: abortAt }),
    ...(deadline === undefined ? {} : { timeoutMs: deadline }),
  };
  if (options.dryRun) {
    const preview = await hub.post(path, rolloutPreview, { ...body, dryRun: true });
    if (options.json) printJson(preview);
    else {
      const rows = preview.primaries.map(({ id, name, connected }) => [name, connected ? "yes" : "no", id]);
      printTable(["primary", "connected", "id"], rows, "No primary.");
      printLine(`This would reach ${preview.targets} primaries; without --dry-run it does.`);
    }
    return;
  }
  const made = await hub.post(path, rollout, body);
  if (!options.json) printLine(`Rollout ${made.id} to ${made.targets} primaries: ${made.state}.`);
  if (options.watch) await watch(hub, made.id, options);
  else if (options.json) printJson(made);
}

async function list(options: Options & { state?: string; limit: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const { state, limit } = options;
  const found = await hub.all(path, rollout, { state, limit: Math.min(limit, 1_000) }, limit);
  if (options.json) {
    printJson(found);
    return;
  }
  printTable(
    ["created", "name", "call", "primaries", "state", "id"],
    found.map((one) => [
      one.createdAt,
      one.name,
      `${one.method} ${one.path}`,
      String(one.targets),
      stateOf(one),
      one.id,
    ]),
    "No rollout matches.",
  );
}

async function show(
  id: string,
  options: Options & { state?: string; limit: number; watch: boolean },
): Promise<void> {
  await using hub = HubClient.from(options);
  if (options.watch) {
    await watch(hub, id, options);
    return;
  }
  const one = await hub.get(pathOf(id), rollout);
  const { state, limit } = options;
  const query = { state, limit: Math.min(limit, 1_000) };
  const targets = await hub.all(`${pathOf(id)}/targets`, rolloutTarget, query, limit);
  if (options.json) {
    printJson({ ...one, primaries: targets });
    return;
  }
  printLine(`${one.name}: ${one.method} ${one.path}, ${stateOf(one)}`);
  printLine(countsOf(one));
  printTable(
    ["primary", "state", "answer", "ended", "command"],
    targets.map((target) => [
      target.primaryName ?? target.primaryId,
      target.state,
      target.error ?? (target.status === null || target.status === undefined ? "" : String(target.status)),
      target.endedAt ?? "",
      target.commandId ?? "",
    ]),
    "No primary of it is in this state.",
  );
}

async function change(id: string, verb: "pause" | "resume", options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const one = await hub.post(`${pathOf(id)}/${verb}`, rollout);
  if (options.json) printJson(one);
  else printLine(`${one.name}: ${stateOf(one)}; ${countsOf(one)}`);
}

async function abort(id: string, options: Options & { yes: boolean }): Promise<void> {
  await using hub = HubClient.from(options);
  if (options.yes) {
    const one = await hub.post(`${pathOf(id)}/abort`, rollout);
    if (options.json) printJson(one);
    else printLine(`${one.name}: ${stateOf(one)}; ${countsOf(one)}`);
    return;
  }
  const one = await hub.get(pathOf(id), rollout);
  if (options.json) printJson(one);
  else printLine(`This would abort ${one.name} (${countsOf(one)}); add --yes to do it.`);
}

/** Ctrl-C ends the watching, not the rollout. */
async function watch(hub: HubClient, id: string, options: Options): Promise<void> {
  let one: Rollout;
  {
    using progress = options.json ? undefined : new Progress("rollout");
    for (;;) {
      one = await hub.get(pathOf(id), rollout);
      const { waiting = 0, started = 0 } = one.counts ?? {};
      const ended = one.targets - waiting - started;
      progress?.update((100 * ended) / one.targets, `${one.state}: ${countsOf(one)}`);
      if ((one.state === "finished" || one.state === "aborted") && started === 0) break;
      await pause(pollMs);
    }
  }
  if (options.json) printJson(one);
  if (one.state === "finished" && one.counts?.["done"] === one.targets) return;
  throw new Failure(
    `not all are done (${stateOf(one)}; ${countsOf(one)}); see sallyport rollouts show ${id}`,
  );
}

function stateOf({ state, reason }: Rollout): string {
  return reason === null || reason === undefined ? state : `${state}: ${reason}`;
}

function countsOf({ counts = {} }: Rollout): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.map(([state, count]) => `${count} ${state}`).join(", ");
}

function pathOf(id: string): string {
  return `${path}/${encodeURIComponent(id)}`;
}

function abortWhen(text: string): { failedPercent: number; afterEnded: number } {
  const [, percent, ended] = /^(\d{1,3}(?:\.\d+)?)%?\/(\d{1,7})$/.exec(text) ?? [];
  if (percent === undefined) throw new InvalidArgumentError("It has to be PERCENT/N, such as 10/20.");
  return { failedPercent: Number(percent), afterEnded: Number(ended) };
}

function windowOf(text: string): Window {
  const [, days, start, end] = /^(?:([a-z,]+)@)?(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text) ?? [];
  if (start === undefined || end === undefined) {
    throw new InvalidArgumentError(
      "It has to be HH:MM-HH:MM, or DAY,DAY@HH:MM-HH:MM, such as sat,sun@22:00-05:00.",
    );
  }
  return days === undefined ? { start, end } : { start, end, weekdays: days.split(",") };
}
