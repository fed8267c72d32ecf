import { Command } from "commander";
import {
  commandFile,
  commandSchema,
  databaseFile,
  databaseSchema,
  PrimaryError,
  type PremisesCommand,
  type PremisesDatabase,
} from "@sallyport/primary";
import { resolve } from "node:path";
import type { z } from "zod";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { span, wholeNumber } from "./option-values.ts";

/** Of a command for which none is named. */
const defaultTimeoutMs = 300_000;

/** What every command about a list on premises has. */
export interface PremisesOptions {
  data: string;
  json: boolean;
}

/** `sallyport primary command …`: what runs before and after backups. */
export function commandCommand(): Command {
  const command = new Command("command").description(
    "commands that run at the start and end of a policy's backups; no call of the API can add one",
  );
  common(command.command("add <name> <program> [arguments...]"))
    .description("let a program with exactly these arguments run at the start or end of a policy's backups")
    .requiredOption("--policy <name>", "the policy")
    .requiredOption("--at <start|end>", "start: without a good end of it there is no backup; end: always")
    .option("--schedule <name>", "only for backups by this schedule")
    .option("--timeout <span>", "how long it may take, such as 90s (default: 5m)", span)
    .addHelpText(
      "after",
      "\nThe program is named by its absolute path and belongs to root or the primary's user. It gets SALLYPORT_POLICY, _SCHEDULE,\n" +
        "_SCHEDULE_TYPE, _CLIENT, _JOB, _STREAM and, at the end, _STATUS in its environment. It runs on this machine.\n" +
        "\nExample:\n  $ sallyport primary command add stop-app --data /var/lib/sallyport/primary --policy nightly --at start -- /usr/bin/systemctl stop app\n",
    )
    .action(
      async (
        name: string,
        program: string,
        rest: string[],
        options: PremisesOptions & { policy: string; at: string; schedule?: string; timeout?: number },
      ) => {
        const { policy, schedule, at: when, timeout = defaultTimeoutMs } = options;
        const run = [program, ...rest];
        const timeoutSeconds = Math.round(timeout / 1000);
        const entry = checked(commandSchema, { name, policy, schedule, when, run, timeoutSeconds });
        await told(() => commandFile(options.data).add(entry));
        if (options.json) printJson(entry);
        else printLine(`At the ${entry.when} of backups by ${entry.policy}: ${entry.run.join(" ")}`);
      },
    );
  const row = ({ name, policy, schedule, when, timeoutSeconds, run }: PremisesCommand) => [
    name,
    schedule === undefined ? policy : `${policy}, ${schedule}`,
    when,
    `${timeoutSeconds} s`,
    run.join(" "),
  ];
  const head = ["name", "policy", "at", "timeout", "command"];
  addListAndRemove(command, { noun: "command", open: commandFile, head, row });
  return command;
}

/** `sallyport primary database …`: what policies of type PostgreSQL and MySQL back up. */
export function databaseCommand(): Command {
  const command = new Command("database").description(
    "databases that policies of type PostgreSQL, MySQL or DataStore back up by these names",
  );
  common(command.command("add <name>"))
    .description("let policies back up a database under a name")
    .requiredOption("--type <PostgreSQL|MySQL>", "what it is")
    .requiredOption("--user <name>", "the database user who dumps it")
    .option("--database <name>", "the database, when its name is another")
    .option("--host <host>", "host, address, or the folder of the socket; without it the local socket")
    .option("--port <number>", "its port", wholeNumber)
    .option(
      "--credential-file <file>",
      "pgpass file, or option file of MySQL with [client] password=…; mode 0600",
    )
    .option("--program <file>", "another pg_dump or mysqldump than the one in PATH")
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport primary database add shop --data /var/lib/sallyport/primary --type PostgreSQL --host db1.example --user backup \\\n" +
        "      --credential-file /etc/sallyport/shop.pgpass\n",
    )
    .action(
      async (
        name: string,
        options: PremisesOptions &
          Omit<z.input<typeof databaseSchema>, "name" | "database"> & { database?: string },
      ) => {
        const { type, user, host, port, credentialFile, program } = options;
        const entry = checked(databaseSchema, {
          name,
          type,
          user,
          database: options.database ?? name,
          host,
          port,
          credentialFile: credentialFile === undefined ? undefined : resolve(credentialFile),
          program,
        });
        await told(() => databaseFile(options.data).add(entry));
        if (options.json) printJson(entry);
        else
          printLine(
            `A policy of type ${entry.type} can now back up "${entry.name}": name it as backup selection.`,
          );
      },
    );
  const row = ({ name, type, host, port, user, database }: PremisesDatabase) => [
    name,
    type,
    `${host ?? "local socket"}${port === undefined ? "" : `, port ${port}`}`,
    user,
    database,
  ];
  const head = ["name", "type", "server", "user", "database"];
  addListAndRemove(command, { noun: "database", open: databaseFile, head, row });
  return command;
}

/** Adds the options that all of them have. */
export function common(command: Command): Command {
  return command
    .requiredOption("--data <dir>", "the primary's folder", (dir) => resolve(dir))
    .option("--json", "print JSON", false);
}

/** Adds `list` and `remove`. */
export function addListAndRemove<Entry extends { name: string }>(
  command: Command,
  kind: {
    noun: string;
    open: (dataDir: string) => { list: () => Entry[]; remove: (name: string) => Promise<void> };
    head: string[];
    row: (entry: Entry) => string[];
  },
): void {
  const { noun, open, head, row } = kind;
  common(command.command("list"))
    .description(`list the ${noun}s`)
    .addHelpText(
      "after",
      `\nExample:\n  $ sallyport primary ${noun} list --data /var/lib/sallyport/primary\n`,
    )
    .action(async (options: PremisesOptions) => {
      const entries = await told(() => open(options.data).list());
      if (options.json) printJson(entries);
      else printTable(head, entries.map(row), `There is no ${noun}.`);
    });
  common(command.command("remove <name>"))
    .description(`remove a ${noun}; what was backed up stays`)
    .addHelpText(
      "after",
      `\nExample:\n  $ sallyport primary ${noun} remove NAME --data /var/lib/sallyport/primary\n`,
    )
    .action(async (name: string, options: PremisesOptions) => {
      await told(() => open(options.data).remove(name));
      if (options.json) printJson({ name, removed: true });
      else printLine(`The ${noun} "${name}" is removed.`);
    });
}

/** Checks what was given. @throws Failure that says what is wrong */
export function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw new Failure(`${issue?.path.join(".")}: ${issue?.message}`, { exitCode: 2 });
}

/** What a user can mend is said in one line. */
export async function told<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isKnown = error instanceof PrimaryError || (error instanceof Error && "code" in error);
    if (isKnown) throw new Failure(error.message, { cause: error });
    throw error;
  }
}
