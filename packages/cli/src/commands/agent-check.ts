import type { Command } from "commander";
import { z } from "zod";
import { reportChecks } from "../checks/print-checks.ts";
import type { PrimaryClient } from "../client/primary-client.ts";
import { visible } from "../output/print.ts";
import { agentClientCommand, reachAgent, type AgentOptions } from "./agent-access.ts";
import { span } from "./option-values.ts";

interface Options extends AgentOptions {
  idleLimit?: number;
}

const check = z.object({
  name: z.string(),
  subject: z.string().exactOptional(),
  state: z.enum(["pass", "warn", "fail", "skip"]),
  found: z.string(),
  todo: z.string().exactOptional(),
});
const checks = z.object({ data: z.array(check) });
const searching = z.object({
  state: z.literal("searching"),
  silenceMs: z.number(),
  survivedMs: z.number(),
  cutMs: z.number().optional(),
});
const searches = z.object({
  isSearching: z.boolean(),
  endpoints: z.array(
    z.looseObject({
      hostName: z.string(),
      progress: z
        .union([searching, z.looseObject({ state: z.enum(["found", "unsupported", "failed"]) })])
        .optional(),
    }),
  ),
  checks: z.array(check),
});

/** How long a silence is tried unless said, ms. */
const defaultIdleLimitMs = 30_000;
/** How often it is looked how a search stands, ms. */
const lookEveryMs = 250;

const help = `
The token is shown to the endpoint on a probe beside the connection, which is left alone. The idle timer is looked for on such a probe too: the
silence doubles until something on the way cuts it, and is then narrowed down. Up to --idle-limit takes two to two and a half times as long;
by default that is less than a minute, and enough to see whether pings every 30 s keep connections alive. What is found is kept, and the agent pings
below it. Ctrl-C leaves the search to the agent: "sallyport agent status" shows what came of it. An endpoint of NBWSS 1.0 alone is skipped.

Each check is PASS, WARN, FAIL with what to do, or SKIP with why. The exit code is 1 when one has failed.

Examples:
  $ sallyport agent check --agent /var/lib/sallyport/agent
  $ sallyport agent check --agent /var/lib/sallyport/agent --idle-limit 30m   # the idle timer, however long: about an hour, with progress
  $ sallyport agent check --agent /var/lib/sallyport/agent --idle-limit 0     # all but the idle timer, in seconds
`;

/** `sallyport agent check`: whether all ways that the agent needs are open. */
export function agentCheckCommand(): Command {
  return agentClientCommand("check")
    .description(
      "look whether all is well: DNS, TCP, proxy, TLS, token, idle timers, upstream, login, clock, guard rules, audit, disk",
    )
    .option("--idle-limit <span>", "how long a silence is tried, up to 30m; 0 for none (default: 30s)", span)
    .addHelpText("after", help)
    .action(async (options: Options) => {
      await using client = await reachAgent(options);
      const found = await askChecks(client);
      const { idleLimit = defaultIdleLimitMs, json } = options;
      if (idleLimit > 0) found.push(...(await searchIdle(client, idleLimit)));
      reportChecks(found, json);
    });
}

/** All checks but the idle timers. */
export async function askChecks(client: PrimaryClient): Promise<z.infer<typeof check>[]> {
  return checks.parse(await client.call("POST", "/sallyport/check", {})).data;
}

async function searchIdle(client: PrimaryClient, limitMs: number): Promise<z.infer<typeof check>[]> {
  const path = "/sallyport/idle-searches";
  let seen = searches.parse(await client.call("POST", path, { limitMs }));
  const told = new Map<string, string>();
  while (seen.isSearching) {
    for (const { hostName, progress } of seen.endpoints) {
      if (progress?.state !== "searching") continue;
      const line = lineOf(progress);
      if (told.get(hostName) !== line) process.stderr.write(`${visible(hostName)}: ${line}\n`);
      told.set(hostName, line);
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    seen = searches.parse(await client.call("GET", path));
  }
  return seen.checks;
}

function lineOf({ silenceMs, survivedMs, cutMs }: z.infer<typeof searching>): string {
  const borne = survivedMs === 0 ? "" : `, ${seconds(survivedMs)} did no harm`;
  const cut = cutMs === undefined ? "" : `, ${seconds(cutMs)} was cut`;
  return `silent for ${seconds(silenceMs)}${borne}${cut} …`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`;
}
