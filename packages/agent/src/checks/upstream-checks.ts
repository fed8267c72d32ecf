import type { Clock, CommandAnswer } from "@sallyport/nbwss";
import type { OpenedUpstream } from "../upstream/upstream.ts";
import { tryCheck, type Check } from "./check.ts";
import { checkName, checkPort, targetOf } from "./network-checks.ts";
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

/** Whether the upstream can be reached, answers as NetBackup does, has the same time, and lets the agent in. */
export async function checkUpstream(upstream: OpenedUpstream, terms: UpstreamCheckTerms): Promise<Check[]> {
  const { origin, own } = upstream;
  const { clock, timeoutMs } = terms;
  const target = targetOf(origin);
  const call = (uri: string, caller: OpenedUpstream["commands"]) =>
    caller.execute({ uri, method: "GET", headers: { Accept: "*/*" } }, AbortSignal.timeout(timeoutMs));
  let ping: CommandAnswer | undefined;
  const advice = "--upstream has to be NetBackup's REST API (port 1556), --upstream-ca its authority";
  const checks = [
    await checkName(target),
    await checkPort(target, timeoutMs),
    await tryCheck({ name: "upstream", subject: origin, advice }, async () => {
      // Without a credential: whether the server is there, whoever asks.
      ping = await call("/netbackup/ping", upstream.commands);
      if (ping.status >= 500) throw new Error(errorMessageOf(ping.body, maxReasonCharacters));
      return `answers (${ping.status} to /netbackup/ping)`;
    }),
  ];
  checks.push(judgeSkew(ping, origin, clock.now()));
  if (own === undefined) {
    const detail = "the agent has no credential of its own (--api-key-file, --user)";
    return [...checks, { name: "login", subject: origin, outcome: "SKIP", detail }];
  }
  const login = "mend the file of the key or password, or the role of the agent's user";
  checks.push(
    await tryCheck({ name: "login", subject: origin, advice: login }, async () => {
      const answer = await call("/netbackup/admin/jobs?page%5Blimit%5D=1", own);
      if (answer.status !== 200)
        throw new Error(`${answer.status}: ${errorMessageOf(answer.body, maxReasonCharacters)}`);
      return "the agent's own credential may read jobs";
    }),
  );
  return checks;
}

/** How far two clocks are apart, by the Date of an answer. */
export function judgeSkew(answer: CommandAnswer | undefined, subject: string, nowMs: number): Check {
  const about = { name: "clock", subject };
  const date = Date.parse(answer?.headers["date"] ?? "");
  if (!Number.isFinite(date))
    return { ...about, outcome: "SKIP", detail: "the server does not tell its time" };
  const seconds = Math.round((date - nowMs) / 1000);
  const detail = `the server's clock is ${Math.abs(seconds)} s ${seconds < 0 ? "behind" : "ahead"}`;
  if (Math.abs(date - nowMs) <= maxSkewMs) return { ...about, outcome: "PASS", detail };
  return { ...about, outcome: "FAIL", detail, advice: "let both machines follow the same NTP servers" };
}
