import type { Command } from "commander";
import { z } from "zod";
import { printJson, printLine, printTable } from "../output/print.ts";
import { agentClientCommand, reachAgent, type AgentOptions } from "./agent-access.ts";

const idleTimer = z.looseObject({
  pingIntervalMs: z.number(),
  finding: z.looseObject({ survivedMs: z.number(), cutMs: z.number().optional() }).optional(),
  progress: z.looseObject({ state: z.string(), reason: z.string().optional() }).optional(),
});
const endpoint = z.looseObject({
  hostName: z.string(),
  groupId: z.string(),
  state: z.string(),
  connectionState: z.string(),
  failure: z.string().optional(),
  idleTimer,
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
/** `sallyport agent status`: what the running agent says of itself. */
export function agentStatusCommand(): Command {
  return agentClientCommand("status")
    .description("what the running agent does: connections, what waits, what it reads")
    .addHelpText("after", "\nExample:\n  $ sallyport agent status --agent /var/lib/sallyport/agent\n")
    .action(async (options: AgentOptions) => {
      await using client = await reachAgent(options);
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
    ["endpoint", "group", "state", "connection", "pings every", "silence", "why not"],
    endpoints.map(({ hostName, groupId, state, connectionState, failure, idleTimer }) => [
      hostName,
      groupId,
      state,
      connectionState,
      `${idleTimer.pingIntervalMs / 1000} s`,
      silenceOf(idleTimer),
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

/** What is known of the idle timer on the way. */
function silenceOf({ finding, progress }: z.infer<typeof idleTimer>): string {
  if (progress?.state === "searching") return "is being found out";
  if (finding === undefined) return progress?.reason ?? "not found out yet";
  const borne = `${finding.survivedMs / 1000} s is borne`;
  return finding.cutMs === undefined ? borne : `${borne}, ${finding.cutMs / 1000} s is cut`;
}
