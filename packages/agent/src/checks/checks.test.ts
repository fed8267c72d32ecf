import assert from "node:assert/strict";
import { test } from "node:test";
import { NbwssError } from "@sallyport/nbwss";
import type { ListedEndpoint } from "../endpoints/administration.ts";
import { AgentError } from "../errors.ts";
import type { GuardStatus } from "../guard/guard-administration.ts";
import type { IdleProgress } from "../idle/searches.ts";
import { attempt } from "./check.ts";
import { judgeDisk } from "./disk-check.ts";
import { judgeToken, remedyOf } from "./endpoint-checks.ts";
import { checkGuard } from "./guard-checks.ts";
import { judgeIdle } from "./idle-check.ts";
import { judgeSkew } from "./upstream-checks.ts";

test("checks - what throws has failed for its reason, what is said has passed", async () => {
  const failed = await attempt("disk", "free space", () => Promise.reject(new Error("it is full")));
  assert.deepEqual(failed, { name: "disk", state: "fail", found: "it is full", todo: "free space" });
  assert.deepEqual(await attempt("disk", "", () => "room"), { name: "disk", state: "pass", found: "room" });
});

test("checks - a disk that is nearly full, and a clock that is off", () => {
  assert.equal(judgeDisk(2 ** 31).state, "pass");
  assert.equal(judgeDisk(2 ** 20).state, "fail");
  const nowMs = Date.parse("2026-11-24T10:00:00Z");
  const answer = (date: string) => ({ status: 200, headers: { date }, body: "" });
  assert.equal(judgeSkew(answer("Tue, 24 Nov 2026 10:00:30 GMT"), nowMs).state, "pass");
  assert.match(judgeSkew(answer("Tue, 24 Nov 2026 09:55:00 GMT"), nowMs).found, /300 s behind/);
  assert.equal(judgeSkew(answer("Tue, 24 Nov 2026 09:55:00 GMT"), nowMs).state, "fail");
  assert.equal(judgeSkew(undefined, nowMs).state, "skip");
});

test("checks - rules that are not in force and an audit that can't be written fail", () => {
  const status: GuardStatus = {
    rulesFrom: "the defaults",
    rulesProblem: undefined,
    auditProblem: undefined,
    audit: { entries: 2, bytes: 616, files: 1 },
    openTickets: 0,
    counts: {},
  };
  const states = (changed: Partial<GuardStatus>) =>
    checkGuard({ ...status, ...changed }).map(({ name, state }) => `${state} ${name}`);
  assert.deepEqual(states({}), ["pass guard-rules", "pass audit"]);
  assert.deepEqual(states({ rulesProblem: "guard.yaml:5: no" }), ["fail guard-rules", "pass audit"]);
  assert.deepEqual(states({ auditProblem: "no space" }), ["pass guard-rules", "fail audit"]);
  const [rules] = checkGuard({ ...status, rulesProblem: "guard.yaml:5: no\nguard.yaml:7: no" });
  assert.doesNotMatch(rules?.found ?? "", /\n/);
});

test("checks - what to do about TLS follows from why it failed", () => {
  const of = (message: string) => remedyOf(new AgentError("endpoint_unreachable", message), "hub");
  assert.match(of("tunnel via http://proxy: HTTP/1.1 407 Proxy Authentication Required"), /credential-file/);
  assert.match(of("tunnel via http://proxy: HTTP/1.1 403 Forbidden"), /NO_PROXY/);
  assert.match(of("an authority that is not known here"), /--ca/);
  assert.match(remedyOf(new AgentError("certificate_changed", "another"), "hub"), /endpoint update hub$/);
});

test("checks - a token, by a probe, and without one by what is known of the connection", () => {
  const endpoint: ListedEndpoint = {
    hostName: "hub",
    groupId: "cloud",
    url: "wss://hub/nbwss",
    token: "********",
    priority: 1,
    certificate: "",
    state: "ACTIVATED",
    connectionState: "DISCONNECTED",
  };
  const plain = new NbwssError("probe_unsupported", "hub does not offer sallyport.probe.v1");
  assert.equal(judgeToken(endpoint, undefined).state, "pass");
  assert.equal(judgeToken(endpoint, new NbwssError("token_refused", "not accepted")).state, "fail");
  assert.match(judgeToken(endpoint, new NbwssError("dial_failed", "502")).todo ?? "", /WebSocket/);
  assert.equal(judgeToken({ ...endpoint, connectionState: "CONNECTED" }, plain).state, "pass");
  assert.equal(judgeToken({ ...endpoint, failure: "the endpoint refused the token" }, plain).state, "fail");
  assert.match(judgeToken(endpoint, plain).found, /throw the first out/);
  assert.equal(judgeToken({ ...endpoint, state: "DEACTIVATED" }, plain).state, "skip");
});

test("checks - an idle timer that pings stay below passes, one that they had to be lowered for warns, one that cuts all fails", () => {
  const judged = (
    survivedMs: number,
    cutMs: number | undefined,
    pingIntervalMs: number,
    isComplete = true,
  ) => {
    const finding = { survivedMs, cutMs, limitMs: 60_000, isComplete, foundAtMs: 0 };
    const progress: IdleProgress = { state: "found", finding };
    return judgeIdle({ hostName: "hub", pingIntervalMs, finding, progress }, 30_000);
  };
  assert.equal(judged(60_000, undefined, 30_000)?.state, "pass");
  assert.equal(judged(50_000, 55_000, 30_000)?.state, "pass");
  assert.match(judged(20_000, 22_000, 15_000)?.found ?? "", /every 15 s instead of the 30 s/);
  assert.equal(judged(20_000, 22_000, 15_000)?.state, "warn");
  assert.equal(judged(20_000, undefined, 30_000, false)?.state, "warn");
  assert.equal(judged(0, 400, 1_000)?.state, "fail");
  const idle = { hostName: "hub", pingIntervalMs: 30_000, finding: undefined };
  assert.equal(judgeIdle({ ...idle, progress: undefined }, 30_000), undefined);
  assert.equal(
    judgeIdle({ ...idle, progress: { state: "unsupported", reason: "plain" } }, 30_000)?.state,
    "skip",
  );
});
