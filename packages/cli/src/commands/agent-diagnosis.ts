import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Command } from "commander";
import { z } from "zod";
import { PrimaryClient } from "../client/primary-client.ts";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable, visible } from "../output/print.ts";

interface Options {
  agent?: string;
  json: boolean;
}

interface DiagOptions extends Options {
  out?: string;
  logFile?: string;
  unit: string;
}

const endpoint = z.looseObject({
  hostName: z.string(),
  groupId: z.string(),
  state: z.string(),
  connectionState: z.string(),
  failure: z.string().optional(),
});
const source = z.looseObject({
  name: z.string(),
  readings: z.number(),
  failures: z.number(),
  notifications: z.number().optional(),
  failure: z.string().optional(),
});
const status = z.looseObject({
  upSeconds: z.number(),
  rssBytes: z.number(),
  upstream: z.string().optional(),
  outbox: z.object({ size: z.number(), max: z.number() }),
  endpoints: z.array(endpoint),
  groups: z.array(z.looseObject({ groupId: z.string(), waiting: z.number(), lost: z.number() })),
  polling: z.looseObject({ sources: z.array(source), requests: z.number() }).optional(),
});
const checks = z.object({
  data: z.array(
    z.object({
      name: z.string(),
      subject: z.string(),
      outcome: z.enum(["PASS", "FAIL", "SKIP"]),
      detail: z.string(),
      advice: z.string().optional(),
    }),
  ),
});

/** So much of the end of a log is packed, bytes. */
const maxLogBytes = 4 * 1024 * 1024;

/** `sallyport agent status`, `check` and `diag`: what the running agent says of itself. */
export function agentDiagnosisCommands(): Command[] {
  return [statusCommand(), checkCommand(), diagCommand()];
}

function named(name: string): Command {
  return new Command(name)
    .option("--agent <dir>", "the agent's data folder (or SALLYPORT_AGENT)")
    .option("--json", "print JSON", false);
}

/** The agent that runs on this machine. @throws Failure */
function reach(options: Options): Promise<PrimaryClient> {
  const agent = options.agent ?? fromEnvironment("SALLYPORT_AGENT");
  if (agent === undefined) {
    throw new Failure("name the agent's data folder with --agent DIR, or in SALLYPORT_AGENT", {
      exitCode: 2,
    });
  }
  return PrimaryClient.login({ agent });
}

function statusCommand(): Command {
  return named("status")
    .description("what the running agent does: connections, what waits, what it reads")
    .addHelpText("after", "\nExample:\n  $ sallyport agent status --agent /var/lib/sallyport/agent\n")
    .action(async (options: Options) => {
      await using client = await reach(options);
      const found = status.parse(await client.call("GET", "/sallyport/status"));
      if (options.json) printJson(found);
      else printStatus(found);
    });
}

function printStatus({
  upSeconds,
  rssBytes,
  upstream,
  outbox,
  endpoints,
  groups,
  polling,
}: z.infer<typeof status>) {
  printLine(
    `Runs for ${upSeconds} s with ${Math.round(rssBytes / 1024 / 1024)} MiB, in front of ${upstream ?? "nothing"}`,
  );
  printLine(`${outbox.size} of at most ${outbox.max} notifications wait`);
  printTable(
    ["endpoint", "group", "state", "connection", "why not"],
    endpoints.map(({ hostName, groupId, state, connectionState, failure }) => [
      hostName,
      groupId,
      state,
      connectionState,
      failure ?? "",
    ]),
    "No endpoint is saved; begin with: sallyport endpoint add --agent DIR --url <details URL>",
  );
  printTable(
    ["group", "waiting", "lost"],
    groups.map(({ groupId, waiting, lost }) => [groupId, String(waiting), String(lost)]),
    "No server group",
  );
  printTable(
    ["reads", "readings", "failed", "notifications", "why not"],
    (polling?.sources ?? []).map(({ name, readings, failures, notifications = 0, failure }) => [
      name,
      String(readings),
      String(failures),
      String(notifications),
      failure ?? "",
    ]),
    "The upstream is not read for notifications (--poll)",
  );
}

function checkCommand(): Command {
  return named("check")
    .description("look whether all ways are open: DNS, TCP, proxy, TLS, token, upstream, login, clock, disk")
    .addHelpText(
      "after",
      "\nThe exit code is 1 when a check has failed.\n\nExample:\n  $ sallyport agent check --agent /var/lib/sallyport/agent\n",
    )
    .action(async (options: Options) => {
      await using client = await reach(options);
      const found = checks.parse(await client.call("POST", "/sallyport/check", {})).data;
      if (options.json) printJson(found);
      else {
        for (const { outcome, name, subject, detail, advice } of found) {
          printLine(visible(`${outcome}  ${name} ${subject}: ${detail}`));
          if (advice !== undefined) printLine(visible(`      → ${advice}`));
        }
      }
      if (found.some(({ outcome }) => outcome === "FAIL")) process.exitCode = 1;
    });
}

function diagCommand(): Command {
  return named("diag")
    .description(
      "pack status, checks, endpoints without secrets and the log into one file, for whoever helps",
    )
    .option("--out <file>", "the file to write, gzipped JSON (default: sallyport-agent-<time>.json.gz)")
    .option("--log-file <file>", "where the agent's log is; unless given, the journal of its unit")
    .option("--unit <name>", "the agent's unit of systemd", "sallyport-agent")
    .addHelpText(
      "after",
      "\nNo token, key or password is in it; host names, users' names and addresses are.\n\nExample:\n  $ sallyport agent diag --agent /var/lib/sallyport/agent --log-file agent.log && zcat sallyport-agent-*.json.gz | less\n",
    )
    .action(pack);
}

async function pack(options: DiagOptions): Promise<void> {
  await using client = await reach(options);
  const packed = {
    madeAt: new Date().toISOString(),
    status: await client.call("GET", "/sallyport/status"),
    checks: checks.parse(await client.call("POST", "/sallyport/check", {})).data,
    endpoints: await client.call("GET", "/config/servers/wssendpoints"),
    platform: { node: process.version, platform: process.platform, arch: process.arch },
    log: logLines(options),
  };
  const file = options.out ?? `sallyport-agent-${packed.madeAt.replaceAll(/[:.]/g, "-")}.json.gz`;
  writeFileSync(file, gzipSync(JSON.stringify(packed, null, 2)), { mode: 0o600, flag: "wx" });
  if (options.json) printJson({ file });
  else printLine(`Packed into ${file}; look at it with: zcat ${file}`);
}

/** The end of the log, or why there is none. */
function logLines({ logFile, unit }: DiagOptions): string[] {
  if (logFile !== undefined) return readFileSync(logFile, "utf8").slice(-maxLogBytes).split("\n");
  const journal = spawnSync(
    "journalctl",
    ["--unit", unit, "--lines", "5000", "--output", "cat", "--no-pager"],
    {
      encoding: "utf8",
      maxBuffer: 4 * maxLogBytes,
    },
  );
  if (journal.status !== 0) return [`the journal of ${unit} can't be read; name the log with --log-file`];
  return journal.stdout.slice(-maxLogBytes).split("\n");
}
