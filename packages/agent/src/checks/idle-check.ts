import type { IdleStatus } from "../idle/idle-timers.ts";
import { checksOf, fail, pass, skip, warn, type Check } from "./check.ts";

/** What the searches for idle timers came to: one check for each endpoint that was searched at. */
export function checkIdle(statuses: readonly IdleStatus[], setIntervalMs: number): Check[] {
  return statuses.flatMap((status) => {
    const check = judgeIdle(status, setIntervalMs);
    return check === undefined ? [] : checksOf(status.hostName, [check]);
  });
}

/** The same of one endpoint. @param setIntervalMs `keepAlive.scheduledRate` */
export function judgeIdle(
  { pingIntervalMs, progress }: IdleStatus,
  setIntervalMs: number,
): Check | undefined {
  const name = "idle-timeout";
  if (progress === undefined || progress.state === "searching") return undefined;
  if (progress.state !== "found") return skip(name, progress.reason);
  const { survivedMs, cutMs, limitMs, isComplete } = progress.finding;
  const raise =
    "raise the idle timer of the NAT, firewall or proxy on the way to 60 s or more for these connections";
  const pings = `the agent pings every ${seconds(pingIntervalMs)}`;
  if (cutMs === undefined) {
    const found = `a silence of ${seconds(survivedMs)} does no harm; ${pings}`;
    if (isComplete) return pass(name, `${found} (not looked beyond ${seconds(limitMs)})`);
    const todo = "look again with a longer --idle-limit, or see why connections break by chance";
    return warn(name, `${found}; longer ones broke at different moments`, todo);
  }
  if (survivedMs === 0)
    return fail(name, `each silence is cut, one of ${seconds(cutMs)} too; ${pings}`, raise);
  const roughly = isComplete ? "" : " (not looked any closer in this time: a longer --idle-limit does)";
  const found = `between ${seconds(survivedMs)} and ${seconds(cutMs)} of silence something on the way cuts the connection${roughly}; ${pings}`;
  if (pingIntervalMs >= setIntervalMs) return pass(name, found);
  return warn(name, `${found} instead of the ${seconds(setIntervalMs)} that are set`, raise);
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`;
}
