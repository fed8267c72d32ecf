import type { CommandStore } from "../commands/command-store.ts";
import type { TargetEnd } from "./rollout-store.ts";

/** Where the agent says that a ticket of its guard is to be found. */
const ticketsPath = "/netbackup/sallyport/tickets/";

/** How a target ended, by its stored command; undefined while that has not ended. One that is not there any more ended unknown to us. */
export function targetEndOf(
  commands: Pick<CommandStore, "outcomeOf" | "get">,
  commandId: string,
): TargetEnd | undefined {
  const outcome = commands.outcomeOf(commandId);
  if (outcome === undefined) return { commandId, state: "unknown", error: "forgotten", status: null };
  const { state, error, status } = outcome;
  if (state === "queued" || state === "sent") return undefined;
  if (state !== "done") return { commandId, state, error, status };
  if (status === null || status >= 400) return { commandId, state: "refused", error, status };
  return { commandId, state: status === 202 && isHeld(commands, commandId) ? "held" : "done", error, status };
}

/** Whether the guard on premises has answered with a ticket, in place of the primary. */
function isHeld(commands: Pick<CommandStore, "get">, commandId: string): boolean {
  const headers = commands.get(commandId)?.answer?.headers ?? {};
  return Object.entries(headers).some(
    ([name, value]) => name.toLowerCase() === "location" && value.startsWith(ticketsPath),
  );
}
