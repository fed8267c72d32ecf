import { userInfo } from "node:os";
import { Command, Option } from "commander";
import { guardOf, type HeldTicket } from "../client/guard.ts";
import { PrimaryClient, type PrimaryOptions } from "../client/primary-client.ts";
import { Failure } from "../failure.ts";
import { formatBytes } from "../output/progress.ts";
import { printJson, printLine, printTable, visible } from "../output/print.ts";
import { addGuardRuleCommands } from "./guard-rules.ts";
import { withPrimaryOptions } from "./hub-options.ts";

interface Options extends PrimaryOptions {
  json: boolean;
}

interface VerdictOptions extends Options {
  comment?: string;
  yes: boolean;
}

/** `sallyport guard …`: what the cloud may do, decided on premises. */
export function guardCommand(): Command {
  const command = new Command("guard").description(
    "what the cloud may do at a primary: rules, and commands that wait for approval (run on premises)",
  );
  withPrimaryOptions(command.command("status"))
    .description("which rules are in force, whether the audit can be written, and what was decided")
    .addHelpText("after", "\nExample:\n  $ sallyport guard status\n")
    .action(status);
  withPrimaryOptions(command.command("list"))
    .description("commands that were held")
    .addOption(
      new Option("--state <state>", "which")
        .choices(["held", "approved", "refused", "expired", "running", "done", "lost", "all"])
        .default("held"),
    )
    .addHelpText("after", "\nExample:\n  $ sallyport guard list\n")
    .action(list);
  withPrimaryOptions(command.command("show <ticket>"))
    .description("a held command whole: what somebody in the cloud wants to be done")
    .addHelpText("after", "\nExample:\n  $ sallyport guard show TICKET\n")
    .action(async (id: string, options: Options) => {
      await using primary = await PrimaryClient.login(options);
      show(await guardOf(primary).get(id), options.json);
    });
  withPrimaryOptions(command.command("approve <ticket>"))
    .description("let a held command be sent once more, exactly as it is, and carried out")
    .option("--comment <text>", "told to the caller")
    .option("--yes", "approve without being asked", false)
    .addHelpText("after", "\nExample:\n  $ sallyport guard approve TICKET\n")
    .action(approve);
  withPrimaryOptions(command.command("refuse <ticket>"))
    .alias("deny")
    .description("refuse a held command")
    .option("--comment <text>", "told to the caller")
    .addHelpText("after", "\nExample:\n  $ sallyport guard refuse TICKET --comment 'not before Monday'\n")
    .action(refuse);
  addGuardRuleCommands(command);
  return command;
}

async function status(options: Options): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const found = await guardOf(primary).status();
  if (options.json) {
    printJson(found);
    return;
  }
  printLine(`rules        ${found.rulesFrom}`);
  if (found.rulesProblem !== undefined) {
    printLine(
      `  NOT IN FORCE as the file is now; the former rules still hold:\n  ${found.rulesProblem.replaceAll("\n", "\n  ")}`,
    );
  }
  const { entries, bytes, files } = found.audit;
  printLine(`audit        ${entries} entries so far, ${files} files, ${formatBytes(bytes)}`);
  if (found.auditProblem !== undefined) {
    printLine(`  CAN'T BE WRITTEN, so nothing goes through but reading: ${found.auditProblem}`);
  }
  printLine(`held         ${found.openTickets} commands wait or are approved`);
  const counts = Object.entries(found.counts).map(([name, count]) => `${name} ${count}`);
  printLine(`since start  ${counts.join(", ")}`);
}

async function list(options: Options & { state: string }): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const tickets = await guardOf(primary).list(options.state === "all" ? undefined : options.state);
  if (options.json) {
    printJson(tickets);
    return;
  }
  printTable(
    ["ticket", "state", "held since", "until", "group", "rule", "command"],
    tickets.map((one) => [
      one.id,
      one.state,
      timeOf(one.heldAtMs),
      timeOf(one.expiresAtMs),
      one.groupId,
      one.rule,
      shortened(`${one.method} ${one.uri}`),
    ]),
    options.state === "held" ? "No command waits for approval." : "There are none.",
  );
}

function show(one: HeldTicket, json: boolean): void {
  if (json) {
    printJson(one);
    return;
  }
  printLine(`ticket    ${one.id}  ${one.state}`);
  printLine(`command   ${visible(`${one.method} ${one.uri}`)}`);
  printLine(`from      the endpoints of group ${visible(one.groupId)}, ${timeOf(one.heldAtMs)}`);
  printLine(`held by   rule ${one.rule}: ${one.reason}`);
  printLine(`until     ${timeOf(one.expiresAtMs)}`);
  printLine(`SHA-256   ${one.requestHash}`);
  if (one.decidedBy != null)
    printLine(
      `decided   by ${visible(one.decidedBy)}${one.comment == null ? "" : `: ${visible(one.comment)}`}`,
    );
  if (one.status != null) printLine(`answer    ${one.status}`);
  if (one.body != null) {
    printLine(
      `body      ${visible(one.contentType ?? "of no said type")}, ${one.bodyBytes} bytes; secrets are starred`,
    );
    for (const line of pretty(one.body).split(/\r?\n/)) printLine(`  ${visible(line)}`);
  } else if (one.bodyBytes > 0)
    printLine(`body      ${one.bodyBytes} bytes, kept only while the command waits`);
}

async function approve(id: string, options: VerdictOptions): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const guard = guardOf(primary);
  const held = await guard.get(id);
  if (!options.json) show(held, false);
  if (!options.yes) await requireConsent();
  const approved = await guard.approve(id, verdictOf(options));
  if (options.json) printJson(approved);
  else
    printLine(`Approved: it may be sent once more, with its ticket, until ${timeOf(approved.expiresAtMs)}.`);
}

async function requireConsent(): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new Failure("nobody can be asked here: look with sallyport guard show, then give --yes", {
      exitCode: 2,
    });
  }
  // Loaded only when somebody is asked.
  const { confirm } = await import("@inquirer/prompts");
  if (!(await confirm({ message: "May this be done?", default: false }))) {
    throw new Failure("not approved; it still waits");
  }
}

async function refuse(id: string, options: Options & { comment?: string }): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const refused = await guardOf(primary).refuse(id, verdictOf(options));
  if (options.json) printJson(refused);
  else printLine(`Refused: ${visible(`${refused.method} ${refused.uri}`)}`);
}

/** A lone agent knows one administrator only, so the account on this machine says who it was. */
function verdictOf({ comment }: { comment?: string }): { by: string; comment?: string } {
  return { by: userInfo().username, ...(comment === undefined ? {} : { comment }) };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    // A form, say: it is shown as it is.
    return body;
  }
}
