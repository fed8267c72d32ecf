import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { guardOf, type ExplainedDecision, type GuardQuestion } from "../client/guard.ts";
import { netbackupJson, PrimaryClient, type PrimaryOptions } from "../client/primary-client.ts";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { loadGuardRules } from "../guard-rules-file.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { moment } from "./option-values.ts";
import { withPrimaryOptions } from "./hub-options.ts";

interface Options extends PrimaryOptions {
  json: boolean;
}

interface TestOptions extends Options {
  rules?: string;
  defaults: boolean;
  readOnly: boolean;
  body?: string;
  group?: string;
  at?: string;
}

/** Adds what concerns rules to `sallyport guard`. */
export function addGuardRuleCommands(command: Command): void {
  command
    .command("check <file>")
    .description("look whether a rules file can be used; nothing is changed")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ sallyport guard check guard-rules.yaml\n")
    .action(check);
  command
    .command("schema")
    .description("the JSON Schema of a rules file, for editors")
    .addHelpText("after", "\nExample:\n  $ sallyport guard schema > guard-rules.schema.json\n")
    .action(async () => {
      const { rulesSchema } = await import("@sallyport/agent");
      printJson(rulesSchema());
    });
  withPrimaryOptions(command.command("rules"))
    .description("the rules in force, in the order in which they are looked at, and the budgets")
    .addHelpText("after", "\nExample:\n  $ sallyport guard rules\n")
    .action(rules);
  withPrimaryOptions(command.command("test <command>"))
    .description("what would become of a command, and why; nothing is done")
    .option("--rules <file>", "by this file instead of the rules in force")
    .option(
      "--defaults",
      "by the default rules instead of those in force; also when no primary or agent is named",
      false,
    )
    .option("--read-only", "with --rules or --defaults: as with --read-only", false)
    .option("--body <text>", "JSON body of the command; @FILE reads it from a file")
    .option("--group <id>", "server group from which it comes")
    .option("--at <time>", "as if it came then, ISO 8601", moment)
    .addHelpText(
      "after",
      "\nExamples:\n  $ sallyport guard test 'DELETE /netbackup/catalog/images/x'\n" +
        "  $ sallyport guard test 'POST /netbackup/admin/manual-backup' --rules guard-rules.yaml --at 2026-11-24T03:00:00Z\n",
    )
    .action(test);
}

async function check(file: string, options: { json: boolean }): Promise<void> {
  const found = await loadGuardRules(file, false);
  const own = found.rules.filter(({ line }) => line !== undefined).length;
  if (options.json) printJson({ file, rules: found.rules.length, own, budgets: found.budgets.length });
  else
    printLine(
      `${file} can be used: ${own} rules of its own, ${found.rules.length - own} built in, ${found.budgets.length} budgets.`,
    );
}

async function rules(options: Options): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const found = await guardOf(primary).rules();
  if (options.json) {
    printJson(found);
    return;
  }
  printLine(`From ${found.source}; the first that matches decides.`);
  printTable(
    ["rule", "line", "action", "methods", "paths"],
    [
      ...found.rules.flatMap(({ name, line, action, methods, paths = ["any"] }) =>
        paths.map((path, index) =>
          index === 0
            ? [
                name,
                line === undefined ? "built in" : String(line),
                action,
                methods?.join(" ") ?? "any",
                path,
              ]
            : ["", "", "", "", path],
        ),
      ),
      ["otherwise", "", found.otherwise, "", ""],
    ],
    "",
  );
  printTable(
    ["budget", "of", "spent", "most", "hours", "beyond"],
    found.budgets.map((one) => [
      one.name,
      one.kind,
      String(one.spent),
      String(one.most),
      String(one.hours),
      one.beyond,
    ]),
    "There are no budgets.",
  );
}

async function test(text: string, options: TestOptions): Promise<void> {
  const [, method = "", path = ""] = /^\s*([A-Za-z]+)\s+(\S+)\s*$/.exec(text) ?? [];
  if (path === "") {
    throw new Failure("the command has to be METHOD PATH, such as 'DELETE /netbackup/catalog/images/x'", {
      exitCode: 2,
    });
  }
  const body = options.body === undefined ? undefined : bodyOf(options.body);
  const question: GuardQuestion = {
    method: method.toUpperCase(),
    uri: path.startsWith("/netbackup") ? path : `/netbackup${path}`,
    headers: body === undefined ? {} : { "content-type": netbackupJson },
    body,
    groupId: options.group,
    at: options.at,
  };
  const isLocal =
    options.rules !== undefined || options.defaults || options.readOnly || !isAnyoneNamed(options);
  const decision = isLocal ? await decideHere(question, options) : await decideThere(question, options);
  if (options.json) printJson(decision);
  else print(decision, isLocal ? (options.rules ?? "the default rules") : "the rules in force");
}

/** Whether options or environment name somebody to ask. */
function isAnyoneNamed({ agent, primary, user }: TestOptions): boolean {
  const given = [
    agent,
    primary,
    user,
    ...["SALLYPORT_AGENT", "SALLYPORT_PRIMARY", "SALLYPORT_PRIMARY_USER"].map(fromEnvironment),
  ];
  return given.some((one) => one !== undefined);
}

function print({ action, rule, line, reason, passed }: ExplainedDecision, source: string): void {
  const where = line === undefined ? "" : `, line ${line} of the rules file`;
  printLine(`${action.toUpperCase()} by rule ${rule}${where}: ${reason}`);
  printLine(`  by ${source}`);
  if (passed.length === 0) return;
  printLine(`  looked at before: ${passed.map((one) => `${one.rule} (other ${one.because})`).join(", ")}`);
}

async function decideThere(question: GuardQuestion, options: TestOptions): Promise<ExplainedDecision> {
  await using primary = await PrimaryClient.login(options);
  return await guardOf(primary).test(question);
}

async function decideHere(question: GuardQuestion, options: TestOptions): Promise<ExplainedDecision> {
  const { explainDecision } = await import("@sallyport/agent");
  const inForce = await loadGuardRules(options.rules, options.readOnly);
  const { passed, ...decision } = explainDecision(inForce, question, Date.now());
  return { ...decision, passed: [...passed] };
}

function bodyOf(text: string): string {
  if (!text.startsWith("@")) return text;
  try {
    return readFileSync(text.slice(1), "utf8");
  } catch (error) {
    throw new Failure(`the body can't be read: ${(error as Error).message}`, { cause: error, exitCode: 2 });
  }
}
