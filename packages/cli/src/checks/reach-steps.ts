import { fail, pass, warn, type Check } from "@sallyport/agent";
import { clockCheck, readyCheck, upgradeCheck } from "./reach-rules.ts";
import {
  addressOf,
  askFor,
  lookAtTls,
  reasonOf,
  resolveHost,
  tryTcp,
  tryUpgrade,
  type Target,
  type TlsSeen,
} from "./reach.ts";

/** How the way to a hub is judged. */
export interface WayRules {
  /** What the hub's own machine or a client thinks of the TLS that it saw. */
  judgeTls: (seen: TlsSeen) => Check;
  /** Whether nobody may be there: a hub that does not run. */
  mayBeSilent: boolean;
}

/** Goes the way to a hub step by step: name, TCP, TLS, `/readyz` with the clock, WebSocket; ends at the first that fails. */
export async function checkWay(target: Target, rules: WayRules): Promise<Check[]> {
  const checks: Check[] = [];
  const { host, port } = addressOf(target.url);
  checks.push(await resolveCheck(host));
  if (checks.at(-1)?.state === "fail") return checks;
  const connected = await connectCheck(host, port, rules.mayBeSilent);
  checks.push(connected);
  if (connected.state !== "pass") return checks;
  const seen = await lookAtTls(target);
  checks.push(rules.judgeTls(seen));
  // Nothing is asked of a server that is not verified.
  if (checks.at(-1)?.state === "fail" || seen.problem !== undefined) return checks;
  const ready = await readyChecks(target);
  checks.push(...ready);
  if (ready[0]?.state !== "pass") return checks;
  checks.push(await websocketCheck(target));
  return checks;
}

async function resolveCheck(host: string): Promise<Check> {
  const name = "url-resolves";
  try {
    return pass(name, `${host} is ${(await resolveHost(host)).join(", ")}`);
  } catch (error) {
    const todo = "correct the name in the URL, or add it to DNS (or /etc/hosts)";
    return fail(name, `${host} can't be resolved (${reasonOf(error)})`, todo);
  }
}

async function connectCheck(host: string, port: number, mayBeSilent: boolean): Promise<Check> {
  const name = "url-connects";
  try {
    await tryTcp(host, port);
    return pass(name, `${host} port ${port} takes connections`);
  } catch (error) {
    const found = `${host} port ${port} can't be connected to (${reasonOf(error)})`;
    if (mayBeSilent)
      return warn(name, `${found}; no hub runs on this folder`, "start the hub and check again");
    const todo = "see that the hub runs and listens there, and that firewalls let this machine through";
    return fail(name, found, todo);
  }
}

async function readyChecks(target: Target): Promise<Check[]> {
  try {
    const answer = await askFor(target, "/readyz");
    const { date } = answer.headers;
    const clock = clockCheck(typeof date === "string" ? date : undefined, answer.sentMs, answer.receivedMs);
    return [readyCheck(answer), clock];
  } catch (error) {
    const todo = "see the log of the hub, and of what is in front of it";
    return [fail("url-readyz", `/readyz can't be asked for (${reasonOf(error)})`, todo)];
  }
}

async function websocketCheck(target: Target): Promise<Check> {
  try {
    return upgradeCheck(await tryUpgrade(target));
  } catch (error) {
    const found = `no answer to an upgrade at /nbwss (${reasonOf(error)})`;
    return fail("url-websocket", found, "see that what is in front of the hub lets WebSockets through");
  }
}
