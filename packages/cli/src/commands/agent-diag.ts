import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { reportOf } from "../checks/print-checks.ts";
import { printJson, printLine } from "../output/print.ts";
import { starred } from "../output/starred.ts";
import { readAdministration } from "../client/lone-agent.ts";
import { agentClientCommand, agentFolder, reachAgent, type AgentOptions } from "./agent-access.ts";
import { askChecks } from "./agent-check.ts";

interface DiagOptions extends AgentOptions {
  out?: string;
  logFile?: string;
  unit: string;
}

/** So much of the end of a log is packed, bytes. */
const maxLogBytes = 4 * 1024 * 1024;

/** `sallyport agent diag`: one file for whoever helps. */
export function agentDiagCommand(): Command {
  return agentClientCommand("diag")
    .description(
      "pack status, checks, nbwss.properties and guard rules in force, endpoints without tokens and the log into one file, for whoever helps",
    )
    .option("--out <file>", "the file to write, gzipped JSON (default: sallyport-agent-<time>.json.gz)")
    .option("--log-file <file>", "where the agent's log is; unless given, the journal of its unit")
    .option("--unit <name>", "the agent's unit of systemd", "sallyport-agent")
    .addHelpText(
      "after",
      "\nNo token, key or password is in it, and what looks like one in the log is starred; host names, users' names and addresses are.\n\nExample:\n  $ sallyport agent diag --agent /var/lib/sallyport/agent --log-file agent.log && zcat sallyport-agent-*.json.gz | less\n",
    )
    .action(pack);
}

async function pack(options: DiagOptions): Promise<void> {
  await using client = await reachAgent(options);
  const found = {
    madeAt: new Date().toISOString(),
    status: await client.call("GET", "/sallyport/status"),
    checks: reportOf(await askChecks(client)),
    idleTimers: await client.call("GET", "/sallyport/idle-searches"),
    endpoints: await client.call("GET", "/config/servers/wssendpoints"),
    // As they are in force: of a file's comments, or keys that nobody knows, there is nothing to be afraid of.
    guard: {
      status: await client.call("GET", "/sallyport/guard"),
      rules: await client.call("GET", "/sallyport/guard/rules"),
    },
    metrics: await client.call("GET", "/sallyport/metrics"),
    platform: { node: process.version, platform: process.platform, arch: process.arch },
  };
  const known = [readAdministration(agentFolder(options)).token];
  const { text: logged, isMissing } = logOf(options);
  const log = starred(logged, known).split("\n");
  const text = JSON.stringify({ ...withoutSecrets(found, known), log }, null, 2);
  const file = options.out ?? `sallyport-agent-${found.madeAt.replaceAll(/[:.]/g, "-")}.json.gz`;
  writeFileSync(file, gzipSync(text), { mode: 0o600, flag: "wx" });
  if (options.json) printJson({ file, ...(isMissing ? { withoutLog: logged } : {}) });
  else {
    printLine(`Packed into ${file}; look at it with: zcat ${file}`);
    if (isMissing) printLine(`It is without a log: ${logged}.`);
  }
}

/** The same, with each text in it starred. */
function withoutSecrets(found: object, known: readonly string[]): object {
  const star = (_name: string, value: unknown) => (typeof value === "string" ? starred(value, known) : value);
  return JSON.parse(JSON.stringify(found, star)) as object;
}

/** The end of the log, or why there is none. */
function logOf({ logFile, unit }: DiagOptions): { text: string; isMissing: boolean } {
  if (logFile !== undefined)
    return { text: readFileSync(logFile, "utf8").slice(-maxLogBytes), isMissing: false };
  const journal = spawnSync(
    "journalctl",
    ["--unit", unit, "--lines", "5000", "--output", "cat", "--no-pager"],
    { encoding: "utf8", maxBuffer: 4 * maxLogBytes },
  );
  const why =
    journal.status === 0
      ? `the journal has nothing of the unit ${unit}`
      : `the journal of ${unit} can't be read`;
  if (journal.status !== 0 || journal.stdout.trim() === "")
    return { text: `${why}; name the log with --log-file, or the unit with --unit`, isMissing: true };
  return { text: journal.stdout.slice(-maxLogBytes), isMissing: false };
}
