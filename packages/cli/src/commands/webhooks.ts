import { Command, Option } from "commander";
import { z } from "zod";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { createdWebhook, delivery, testedWebhook, webhook } from "../client/hub-schemas.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withHubOptions } from "./hub-options.ts";
import { collect, labels, span, wholeNumber } from "./option-values.ts";

interface Options extends HubOptions {
  json: boolean;
}

interface Filters {
  type: string[];
  primary: string[];
  label: Record<string, string>;
  description?: string;
}

const path = "/api/v1/webhooks";
const pathOf = (id: string) => `${path}/${encodeURIComponent(id)}`;

/** `sallyport webhooks …`: events sent to other systems, signed (Standard Webhooks). */
export function webhooksCommand(): Command {
  const command = new Command("webhooks").description("send the hub's events to other systems, signed");
  withHubOptions(command.command("create <url>"))
    .description("add a webhook; the secret that its receiver verifies with is printed this once")
    .option("--type <beginning>", "beginning of the types wanted; may be given several times", collect, [])
    .option("--primary <name-or-id>", "only of this primary; may be given several times", collect, [])
    .option("--label <name=value>", "only of primaries with this label", labels, {})
    .option("--description <text>", "for people")
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport webhooks create https://ops.example/hook --type netbackup.job.done\n",
    )
    .action(create);
  withHubOptions(command.command("show <id>"))
    .description("show one webhook")
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks show ID\n")
    .action(show);
  withHubOptions(command.command("edit <id>"))
    .description("change what is given; it holds for events from then on, a new URL for what waits too")
    .option("--url <url>", "where to send")
    .option("--type <beginning>", "instead of the types so far; may be given several times", collect)
    .option("--primary <name-or-id>", "instead of the primaries so far; may be given several times", collect)
    .option("--label <name=value>", "instead of the labels so far; may be given several times", labels)
    .option("--all", "everything from everywhere, but for what is given beside it", false)
    .option("--description <text>", "for people")
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks edit ID --all --type netbackup.job.done\n")
    .action(edit);
  withHubOptions(command.command("list"))
    .description("list the webhooks and how they do")
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks list\n")
    .action(list);
  for (const enabled of [true, false]) {
    const verb = enabled ? "enable" : "disable";
    withHubOptions(command.command(`${verb} <id>`))
      .description(
        enabled ? "go on with what waited meanwhile" : "stop sending; events wait until it is enabled",
      )
      .addHelpText("after", `\nExample:\n  $ sallyport webhooks ${verb} ID\n`)
      .action((id: string, options: Options) => setEnabled(id, enabled, options));
  }
  withHubOptions(command.command("rotate <id>"))
    .description("make a new secret; the old one signs too until the overlap ends")
    .option("--overlap <span>", "such as 24h; 0 ends the old one at once", span, 86_400_000)
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks rotate ID --overlap 1h\n")
    .action(rotate);
  withHubOptions(command.command("test <id>"))
    .description("send a test event now and show what came back")
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks test ID\n")
    .action(sendTest);
  withHubOptions(command.command("deliveries <id>"))
    .description("what was sent, and what came back, newest first")
    .addOption(new Option("--state <state>").choices(["pending", "delivered", "failed"]))
    .option("--limit <n>", "how many at most", wholeNumber, 50)
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks deliveries ID --state failed\n")
    .action(listDeliveries);
  withHubOptions(command.command("redeliver <id> <delivery>"))
    .description("send one event again")
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks redeliver ID DELIVERY\n")
    .action(redeliver);
  withHubOptions(command.command("replay <id>"))
    .description("send a range of events again")
    .requiredOption("--from <position>", "first position", wholeNumber)
    .requiredOption("--to <position>", "last position", wholeNumber)
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks replay ID --from 1200 --to 1300\n")
    .action(replay);
  withHubOptions(command.command("remove <id>"))
    .description("remove a webhook, what waits for it included")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport webhooks remove ID --yes\n")
    .action(remove);
  return command;
}

async function create(url: string, options: Options & Filters): Promise<void> {
  await using hub = HubClient.from(options);
  const primaries = await Promise.all(options.primary.map((name) => hub.findPrimary(name)));
  const created = await hub.post(path, createdWebhook, {
    url,
    types: options.type,
    labels: options.label,
    primaries: primaries.map(({ id }) => id),
    ...(options.description === undefined ? {} : { description: options.description }),
  });
  if (options.json) printJson(created);
  else {
    printLine(`Webhook ${created.id} sends to ${created.url}.`);
    printLine("Its receiver verifies signatures with this secret, shown this once:");
    printLine(`  ${created.secret}`);
  }
}

async function show(id: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const one = await hub.get(pathOf(id), webhook);
  if (options.json) {
    printJson(one);
    return;
  }
  const names = new Map(
    one.primaries.length === 0
      ? []
      : (await hub.listPrimaries()).map((primary) => [primary.id, primary.name]),
  );
  const wanted = Object.entries(one.labels).map(([name, value]) => `${name}=${value}`);
  printTable(
    ["", one.id],
    [
      ["url", one.url],
      ["description", one.description],
      ["types", one.types.length === 0 ? "all" : one.types.join(", ")],
      ["primaries", one.primaries.map((primary) => names.get(primary) ?? primary).join(", ") || "all"],
      ["labels", wanted.join(", ") || "any"],
      ["state", stateOf(one)],
      ["made", one.createdAt],
      ["delivered up to", String(one.cursor)],
      ["waiting", String(one.backlog)],
      ["last success", one.lastSuccessAt ?? "never"],
      ["last failure", one.lastFailureAt ?? "never"],
    ],
    "",
  );
}

async function edit(
  id: string,
  options: Options & Partial<Filters> & { url?: string; all: boolean },
): Promise<void> {
  await using hub = HubClient.from(options);
  const { url, type, label, description, all } = options;
  const primaries =
    options.primary === undefined
      ? undefined
      : await Promise.all(options.primary.map(async (name) => (await hub.findPrimary(name)).id));
  const given = { url, description, types: type, primaries, labels: label };
  const patch = { ...(all ? { types: [], primaries: [], labels: {} } : {}), ...defined(given) };
  if (Object.keys(patch).length === 0) {
    throw new Failure("nothing to change: give --url, --type, --primary, --label, --all or --description", {
      exitCode: 2,
    });
  }
  const changed = await hub.patch(pathOf(id), webhook, patch);
  if (options.json) printJson(changed);
  else printLine(`Webhook ${id} is changed; it sends to ${changed.url}.`);
}

function defined(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function list(options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const webhooks = await hub.all(path, webhook);
  if (options.json) {
    printJson(webhooks);
    return;
  }
  printTable(
    ["id", "url", "types", "state", "waiting", "last success", "last failure"],
    webhooks.map((one) => [
      one.id,
      one.url,
      one.types.length === 0 ? "all" : one.types.join(", "),
      stateOf(one),
      String(one.backlog),
      one.lastSuccessAt ?? "never",
      one.lastFailureAt ?? "never",
    ]),
    "There is no webhook; begin with: sallyport webhooks create URL",
  );
}

function stateOf({ enabled, disabledReason }: z.infer<typeof webhook>): string {
  if (enabled) return "enabled";
  return disabledReason === null || disabledReason === undefined ? "disabled" : `disabled: ${disabledReason}`;
}

async function setEnabled(id: string, enabled: boolean, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const changed = await hub.patch(pathOf(id), webhook, { enabled });
  if (options.json) printJson(changed);
  else printLine(`Webhook ${id} is ${stateOf(changed)}; ${changed.backlog} events wait.`);
}

async function rotate(id: string, options: Options & { overlap: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const rotated = await hub.post(`${pathOf(id)}/secret`, createdWebhook, { overlapMs: options.overlap });
  if (options.json) printJson(rotated);
  else {
    printLine("The new secret, shown this once:");
    printLine(`  ${rotated.secret}`);
  }
}

async function sendTest(id: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  const result = await hub.post(`${pathOf(id)}/test`, testedWebhook);
  if (options.json) printJson(result);
  else if (result.delivered) printLine(`Delivered: ${result.responseCode} in ${Math.round(result.ms)} ms.`);
  if (result.delivered) return;
  const why = result.error ?? `it answered ${result.responseCode}: ${result.responseBody ?? ""}`;
  throw new Failure(`the test was not delivered: ${why}`);
}

async function listDeliveries(
  id: string,
  options: Options & { state?: string; limit: number },
): Promise<void> {
  await using hub = HubClient.from(options);
  const query = { state: options.state, limit: Math.min(options.limit, 1_000) };
  const deliveries = await hub.all(`${pathOf(id)}/deliveries`, delivery, query, options.limit);
  if (options.json) {
    printJson(deliveries);
    return;
  }
  printTable(
    ["position", "type", "subject", "state", "attempts", "answer", "next attempt", "id"],
    deliveries.map((one) => [
      String(one.position),
      one.type,
      one.subject,
      one.state,
      String(one.attempts),
      [one.responseCode, one.error ?? one.responseBody].filter(Boolean).join(" "),
      one.nextAttemptAt ?? "",
      one.id,
    ]),
    "Nothing was sent yet.",
  );
}

async function redeliver(id: string, deliveryId: string, options: Options): Promise<void> {
  await using hub = HubClient.from(options);
  await hub.post(`${pathOf(id)}/deliveries/${encodeURIComponent(deliveryId)}/redeliver`, z.unknown());
  if (options.json) printJson({ id: deliveryId, queued: true });
  else printLine(`${deliveryId} is sent again.`);
}

async function replay(id: string, options: Options & { from: number; to: number }): Promise<void> {
  await using hub = HubClient.from(options);
  const { from, to } = options;
  const { queued } = await hub.post(`${pathOf(id)}/replay`, z.looseObject({ queued: z.number() }), {
    from,
    to,
  });
  if (options.json) printJson({ queued });
  else printLine(`${queued} events are sent again.`);
}

async function remove(id: string, options: Options & { yes: boolean }): Promise<void> {
  await using hub = HubClient.from(options);
  const { url, backlog } = await hub.get(pathOf(id), webhook);
  if (options.yes) await hub.delete(pathOf(id));
  if (options.json) printJson({ id, url, removed: options.yes });
  else if (options.yes) printLine(`Removed ${id} (${url}).`);
  else printLine(`This would remove ${id} (${url}) and drop ${backlog} waiting events; add --yes to do it.`);
}
