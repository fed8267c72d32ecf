import type { Clock, CommandAnswer } from "@sallyport/nbwss";
import type { OpenedUpstream } from "../upstream/upstream.ts";
import { attempt, checksOf, fail, hasFailed, pass, skip, type Check } from "./check.ts";
import { checkReach, targetOf } from "./network-checks.ts";
import { errorMessageOf } from "../upstream/error-message.ts";

/** What the upstream is checked with. */
export interface UpstreamCheckTerms {
  clock: Clock;
  /** Of each step, ms. */
  timeoutMs: number;
}

/** More than this between the clocks of two machines makes certificates and logins fail, and logs hard to compare, ms. */
const maxSkewMs = 60_000;
/** Of what the upstream says about a failure. */
const maxReasonCharacters = 300;

/**
 * Whether the upstream can be reached, answers as NetBackup does, has the same time, and lets the agent in; ends at what fails.
 */
export async function checkUpstream(upstream: OpenedUpstream, terms: UpstreamCheckTerms): Promise<Check[]> {
  const { origin, own } = upstream;
  const { clock, timeoutMs } = terms;
  const way = await checkReach(targetOf(origin), timeoutMs);
  if (hasFailed(way)) return way;
  const call = (uri: string, caller: OpenedUpstream["commands"]) =>
    caller.execute({ uri, method: "GET", headers: { Accept: "*/*" } }, AbortSignal.timeout(timeoutMs));
  let ping: CommandAnswer | undefined;
  const todo = "--upstream has to be NetBackup's REST API (port 1556), --upstream-ca its authority";
  const answers = await attempt("upstream", todo, async () => {
    // Without a credential: whether the server is there, whoever asks.
    ping = await call("/netbackup/ping", upstream.commands);
    if (ping.status >= 500) throw new Error(errorMessageOf(ping.body, maxReasonCharacters));
    return `answers (${ping.status} to /netbackup/ping)`;
  });
  if (answers.state === "fail") return [...way, ...checksOf(origin, [answers])];
  const checks = [answers, judgeSkew(ping, clock.now()), await checkLogin(own, call)];
  return [...way, ...checksOf(origin, checks)];
}

function checkLogin(
  own: OpenedUpstream["own"],
  call: (uri: string, caller: OpenedUpstream["commands"]) => Promise<CommandAnswer>,
): Promise<Check> | Check {
  if (own === undefined)
    return skip("login", "the agent has no credential of its own (--api-key-file, --user)");
  const todo = "mend the file of the key or password, or the role of the agent's user";
  return attempt("login", todo, async () => {
    const answer = await call("/netbackup/admin/jobs?page%5Blimit%5D=1", own);
    if (answer.status !== 200)
      throw new Error(`${answer.status}: ${errorMessageOf(answer.body, maxReasonCharacters)}`);
    return "the agent's own credential may read jobs";
  });
}

/** How far two clocks are apart, by the Date of an answer. */
export function judgeSkew(answer: CommandAnswer | undefined, nowMs: number): Check {
  const date = Date.parse(answer?.headers["date"] ?? "");
  if (!Number.isFinite(date)) return skip("clock", "the server does not tell its time");
  const seconds = Math.round((date - nowMs) / 1000);
  const found = `the server's clock is ${Math.abs(seconds)} s ${seconds < 0 ? "behind" : "ahead"}`;
  if (Math.abs(date - nowMs) <= maxSkewMs) return pass("clock", found);
  return fail("clock", found, "let both machines follow the same NTP servers");
}
