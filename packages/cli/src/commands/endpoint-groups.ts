import { Command, InvalidArgumentError } from "commander";
import { endpointsOf } from "../client/endpoints.ts";
import { PrimaryClient, type PrimaryOptions } from "../client/primary-client.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { withPrimaryOptions } from "./hub-options.ts";

interface Options extends PrimaryOptions {
  json: boolean;
}

interface FailBackRule {
  mode: string;
  minutes?: number | undefined;
}

/** `sallyport endpoint groups` */
export function groupsCommand(): Command {
  return withPrimaryOptions(new Command("groups"))
    .description("list the server groups: where each is connected, what waits, and its rule of fail-back")
    .addHelpText("after", "\nExample:\n  $ sallyport endpoint groups\n")
    .action(async (options: Options) => {
      await using primary = await PrimaryClient.login(options);
      const groups = await endpointsOf(primary).groups();
      if (options.json) {
        printJson(groups);
        return;
      }
      printTable(
        ["group", "connected to", "commands that run", "notifications waiting", "lost", "fail-back"],
        groups.map(({ groupId, connectedTo, executing, waiting, lost, failBack }) => [
          groupId,
          connectedTo ?? "-",
          String(executing),
          String(waiting),
          String(lost),
          textOf(failBack),
        ]),
        "No endpoint is saved; begin with: sallyport endpoint add --url <details URL>",
      );
    });
}

/** `sallyport endpoint fail-back GROUP RULE` */
export function failBackCommand(): Command {
  return withPrimaryOptions(new Command("fail-back"))
    .description("set when a group leaves its connection for a preferred endpoint that can be reached again")
    .argument("<group>", "server group")
    .argument("<rule>", "never (NetBackup's rule), when-idle, after-stable:MINUTES, or now", ruleOf)
    .addHelpText("after", "\nExample:\n  $ sallyport endpoint fail-back cloud after-stable:10\n")
    .action(async (groupId: string, rule: FailBackRule, options: Options) => {
      await using primary = await PrimaryClient.login(options);
      await endpointsOf(primary).setFailBack(groupId, rule);
      if (options.json) printJson({ groupId, failBack: rule });
      else printLine(`Group ${groupId} fails back: ${textOf(rule)}.`);
    });
}

/** `sallyport endpoint reconnect` */
export function reconnectCommand(): Command {
  return withPrimaryOptions(new Command("reconnect"))
    .description("try at once where there is no connection, and look whether those that there are live")
    .option("--group <id>", "this server group alone")
    .option(
      "--force",
      "also leave the connection that there is; the preferred endpoint is tried first",
      false,
    )
    .addHelpText("after", "\nExample:\n  $ sallyport endpoint reconnect --group cloud --force\n")
    .action(async (options: Options & { group?: string; force: boolean }) => {
      await using primary = await PrimaryClient.login(options);
      await endpointsOf(primary).reconnect(options.force, options.group);
      if (options.json) printJson({ groupId: options.group, force: options.force });
      else printLine("It tries now; see: sallyport endpoint groups");
    });
}

function ruleOf(text: string): FailBackRule {
  if (["never", "when-idle", "now"].includes(text)) return { mode: text };
  const [, minutes] = /^after-stable:(\d{1,5})$/.exec(text) ?? [];
  if (minutes !== undefined && Number(minutes) > 0) return { mode: "after-stable", minutes: Number(minutes) };
  throw new InvalidArgumentError("It has to be never, when-idle, after-stable:MINUTES or now.");
}

function textOf({ mode, minutes }: FailBackRule): string {
  return minutes === undefined ? mode : `${mode}, ${minutes} minutes`;
}
