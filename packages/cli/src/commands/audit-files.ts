import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { moment } from "./option-values.ts";

interface Options {
  data?: string;
  json: boolean;
}

/** Adds what concerns the audit of a primary or agent on this machine to `sallyport audit`. */
export function addAuditFileCommands(command: Command): void {
  command
    .command("verify")
    .description("on premises: find every entry of the audit that was changed, removed, moved or cut off")
    .option("--data <dir>", "data folder of the primary or agent, which may be running (or SALLYPORT_AGENT)")
    .option("--public-key <file>", "its public.pem, as you kept it elsewhere")
    .option("--checkpoint <file>", "a checkpoint.json of it, as you kept it elsewhere")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nExit code 1 when something is not as it was written.\n" +
        "\nExample:\n  $ sallyport audit verify --data /var/lib/sallyport/primary --public-key kept/public.pem --checkpoint kept/checkpoint.json\n",
    )
    .action(verify);
  command
    .command("export")
    .description("on premises: the audit's entries as JSON lines, in their order")
    .option("--data <dir>", "data folder of the primary or agent, which may be running (or SALLYPORT_AGENT)")
    .option("--since <time>", "ISO 8601, such as 2026-11-24T08:00:00Z", time)
    .option("--until <time>", "ISO 8601", time)
    .option("--kind <beginning>", "such as command.held or ticket.")
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport audit export --data /var/lib/sallyport/primary --kind ticket. > tickets.jsonl\n",
    )
    .action(exportEntries);
}

async function verify(options: Options & { publicKey?: string; checkpoint?: string }): Promise<void> {
  // Loaded only here, so that the other commands start quickly.
  const { readCheckpoint, readPublicKey, verifyAudit } = await import("@sallyport/agent");
  const dir = auditOf(options.data);
  const { publicKey, checkpoint } = options;
  const report = await verifyAudit(dir, {
    publicKey: publicKey === undefined ? undefined : kept(publicKey, readPublicKey),
    checkpoint: checkpoint === undefined ? undefined : kept(checkpoint, readCheckpoint),
  });
  if (options.json) printJson(report);
  else {
    const { entries, files, first, last, checkpoints, vouchedFor } = report;
    printLine(
      `${entries} entries, ${first} to ${last}, in ${files} files; ${checkpoints} checkpoints, the last vouches up to entry ${vouchedFor}`,
    );
    if (report.findings.length === 0) printLine("Nothing was changed, removed or moved.");
    else
      printTable(
        ["entry", "where", "what"],
        report.findings.map(({ n, at, what }) => [String(n), at, what]),
        "",
      );
  }
  if (report.findings.length > 0) throw new Failure("the audit is not as it was written");
}

async function exportEntries(
  options: Options & { since?: number; until?: number; kind?: string },
): Promise<void> {
  const { exportAudit } = await import("@sallyport/agent");
  const { since: sinceMs, until: untilMs, kind } = options;
  for await (const line of exportAudit(auditOf(options.data), { sinceMs, untilMs, kind })) printLine(line);
}

function auditOf(named: string | undefined): string {
  const data = named ?? fromEnvironment("SALLYPORT_AGENT");
  if (data === undefined) {
    throw new Failure("name the data folder of a primary or agent with --data", { exitCode: 2 });
  }
  const dir = join(data, "audit");
  if (existsSync(dir)) return dir;
  throw new Failure(`${data} holds no audit: name the data folder of a primary or agent`, { exitCode: 2 });
}

function kept<T>(file: string, read: (file: string) => T): T {
  try {
    return read(file);
  } catch (error) {
    throw new Failure(`${file} can't be used: ${(error as Error).message}`, { cause: error, exitCode: 2 });
  }
}

function time(text: string): number {
  return Date.parse(moment(text));
}
