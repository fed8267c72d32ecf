// The conformance kit against our own primary, which has to keep every rule, and against broken primaries, which must not.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { defaultAgentLimits } from "@sallyport/agent";
import { endpointsOf, PrimaryClient } from "@sallyport/cli";
import {
  PrimaryListener,
  serviceChecks,
  testService,
  type Report,
  type ServiceTiming,
} from "@sallyport/conformance";
import { failuresOf } from "./kit/conformance.ts";
import { startFaultyPrimary, type PrimaryFault } from "./kit/faulty-primary.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { startServer } from "./kit/sallyport.ts";
import { makeSource, password } from "./kit/site.ts";

/** A primary as a process of its own, with the listener as its only endpoint. */
async function startPrimaryFor(listener: PrimaryListener, dir: string) {
  const properties = join(dir, "nbwss.properties");
  const lines = [
    "connectionInfo.period=1",
    "notification.scheduledRate=1",
    "notification.sendTimeout=300",
    "keepAlive.scheduledRate=1",
    "keepAlive.maxPongMissAllowed=1",
  ];
  writeFileSync(properties, lines.join("\n"));
  const options = {
    "--data": join(dir, "primary"),
    "--listen": "127.0.0.1:0",
    "--ca": listener.caFile ?? "",
    "--host-name": "branch",
    "--nbwss-properties": properties,
  };
  const credentials = { SALLYPORT_PRIMARY_USER: "administrator", SALLYPORT_PRIMARY_PASSWORD: password };
  const primary = await startServer(["primary", ...Object.entries(options).flat()], credentials);
  process.env["SALLYPORT_PRIMARY_PASSWORD"] = password;
  const login = { primary: primary.url, user: credentials.SALLYPORT_PRIMARY_USER, ca: primary.caFile };
  const administrator = await PrimaryClient.login(login);
  const endpoints = endpointsOf(administrator);
  await endpoints.save(await endpoints.validateHost(listener.details));
  await endpoints.update(listener.details.hostName, "ACTIVATED");
  return { primary, administrator };
}

/** Makes the policy of a backup that is done quickly. */
async function makePolicy(administrator: PrimaryClient, dir: string): Promise<void> {
  const attributes = {
    policy: {
      policyName: "small",
      policyType: "Standard",
      policyAttributes: { active: true },
      clients: [{ hostName: "branch", OS: "Linux", hardware: "Linux" }],
      schedules: [],
      backupSelections: { selections: [makeSource(dir, 1, 100)] },
    },
  };
  await administrator.call("POST", "/config/policies/", {
    data: { type: "policy", id: "small", attributes },
  });
}

const ids = serviceChecks.map(({ id }) => id);

/** Which checks have to fail at a primary with these faults, each check run for itself. */
const faultyPrimaries: [faults: PrimaryFault[], checks: string[]][] = [
  [["never-dials"], ["connect.dials"]],
  [["dials-twice"], ["whole-run.one-connection"]],
  [["answers-first"], ["connect.first"]],
  [["gives-another-token"], ["connect.token"]],
  [["writes-lower-case-ids"], ["connect.upper-case-id"]],
  [["writes-milliseconds"], ["connect.request", "commands.response", "whole-run.envelopes"]],
  [["notifies-before-the-verdict"], ["connect.waits"]],
  [["serves-before-the-verdict"], ["verdict.waits-for-verdict"]],
  [["takes-any-verdict"], ["verdict.other-id"]],
  [["stays-when-refused"], ["verdict.refused"]],
  [["gives-up-when-refused"], ["verdict.comes-back"]],
  [["never-comes-back"], ids.filter((id) => id.startsWith("reconnect.after-"))],
  [["never-reads"], ["reconnect.answers-close"]],
  [["closes-with-1000"], badMessagesOf("invalid-utf8", "over-limit")],
  [["never-closes"], ["bad-messages.over-limit", "bad-messages.binary"]],
  [["reads-bad-utf8", "never-closes"], ["bad-messages.invalid-utf8"]],
  [
    ["reads-compact-json-only"],
    [
      "connect.odd-response",
      "envelope.pretty-printed",
      "envelope.white-space",
      "envelope.key-order",
      "envelope.escapes",
    ],
  ],
  [["reads-upper-case-only"], ["connect.odd-response", "envelope.lower-case-ids"]],
  [["refuses-unknown-members"], ["connect.odd-response", "envelope.unknown-members"]],
  [["refuses-old-times"], ["envelope.old-time"]],
  [["answers-nothing"], ["commands.ping", "commands.outside-answered"]],
  [
    ["answers-plain-calls-only"],
    [
      "query",
      "no-parameters",
      "parameters",
      "broken-parameters",
      "big-parameters",
      "no-headers",
      "methods",
    ].map((name) => `commands.${name}`),
  ],
  [["answers-under-new-ids"], ["commands.ping"]],
  [["answers-twice"], ["commands.at-once"]],
  [
    ["answers-200"],
    [
      "unknown-path",
      "parameters",
      "no-authorization",
      "bad-authorization",
      "bad-header",
      "outside",
      "outside-answered",
    ].map((name) => `commands.${name}`),
  ],
  [["closes-on-foreign-paths"], ["commands.outside-answered"]],
  [["writes-header-names-as-they-are"], ["commands.header-names"]],
  [["writes-headers-as-a-list"], ["commands.response"]],
  [["writes-other-members"], ["commands.members"]],
  [["dies-of-unknown-acknowledgements"], ["commands.unknown-acknowledgement"]],
  [["notifies-nonsense"], ["notifications.entries"]],
  [["never-sends-again"], ["notifications.resent"]],
  [["sends-again-under-new-ids"], ["notifications.same-id"]],
  [["forgets-with-the-connection"], ["notifications.outlives-connection"]],
  [
    ["reads-plain-acknowledgements-only"],
    ["notifications.odd-acknowledgement", "notifications.bare-acknowledgement"],
  ],
  [["ignores-late-acknowledgements"], ["notifications.late-acknowledgement"]],
  [["dies-of-repeated-acknowledgements"], ["notifications.repeated-acknowledgement"]],
  [["answers-no-ping"], ["keep-alive.pong"]],
  [["dies-of-unasked-pongs"], ["keep-alive.unasked-pong"]],
  [["sends-no-ping"], ["keep-alive.pings", "keep-alive.half-open"]],
  [["sends-binary"], ["whole-run.text"]],
  [["masks-nothing"], ["whole-run.frames"]],
];

function badMessagesOf(...without: string[]): string[] {
  const left = without.map((name) => `bad-messages.${name}`);
  return ids.filter((id) => id.startsWith("bad-messages.") && !left.includes(id));
}

async function testFaultyPrimary(
  faults: PrimaryFault[],
  timing: Partial<ServiceTiming>,
  only?: string,
): Promise<Report> {
  using folder = temporaryFolder();
  const listening = { host: "127.0.0.1", port: 0, dataDir: folder.path };
  await using listener = await PrimaryListener.start(listening);
  const ca = readFileSync(listener.caFile ?? "", "utf8");
  using _primary = startFaultyPrimary(listener.details, ca, faults);
  return await testService({ listener, timing, only, slow: true });
}

test("conformance - a primary without faults passes every check", async () => {
  const timing = { quietMs: 50, lateMs: 60, noResendMs: 400, notificationMs: 20_000 };
  const report = await testFaultyPrimary([], timing);
  assert.deepEqual(failuresOf(report), []);
  assert.equal(report.summary.passed, serviceChecks.length);
});

/** As for endpoints: short where a good thing never comes, long where a bad one does. */
const shortOfTime = {
  answerMs: 700,
  closeMs: 700,
  dialMs: 20_000,
  reconnectMs: 700,
  pingMs: 700,
  silenceMs: 700,
  resendMs: 700,
  lateMs: 60,
  noResendMs: 10_000,
  notificationMs: 10_000,
} satisfies Partial<ServiceTiming>;

// Side by side, since most of their time is waiting.// Side by side, since most of their time is waiting.
describe("conformance - primaries", { concurrency: 6 }, () => {
  test("conformance - our primary keeps every rule of a service", async () => {
    using folder = temporaryFolder();
    await using listener = await PrimaryListener.start({
      host: "127.0.0.1",
      port: 0,
      dataDir: folder.path,
    });
    const { primary, administrator } = await startPrimaryFor(listener, folder.path);
    await using _primary = primary;
    await using _administrator = administrator;
    await makePolicy(administrator, folder.path);
    const backups: Promise<unknown>[] = [];
    const waiting = (forWhat: string) => {
      if (!forWhat.includes("start a backup")) return;
      const request = { data: { type: "backupRequest", attributes: { policyName: "small" } } };
      backups.push(administrator.call("POST", "/admin/manual-backup", request));
    };
    const timing = {
      quietMs: 200,
      lateMs: 600,
      noResendMs: 1_500,
      notificationMs: 30_000,
      dialMs: 30_000,
      maxMessageBytes: defaultAgentLimits.maxMessageBytes,
    };
    const report = await testService({ listener, timing, slow: true, progress: { waiting } });
    await Promise.all(backups);
    assert.deepEqual(failuresOf(report), []);
    assert.equal(report.summary.skipped, 0);
  });

  for (const [faults, checks] of faultyPrimaries) {
    test(`conformance - a primary that ${faults.join(", ").replaceAll("-", " ")} fails`, async () => {
      for (const only of checks) {
        const dialMs = only === "connect.dials" ? 700 : shortOfTime.dialMs;
        const report = await testFaultyPrimary(faults, { ...shortOfTime, dialMs }, only);
        const outcomes = report.results.map(({ id, outcome }) => [id, outcome]);
        assert.deepEqual(outcomes, [[only, "fail"]]);
        // A primary that never came would fail every check, which would prove nothing.
        if (only !== "connect.dials")
          assert.doesNotMatch(failuresOf(report)[0] ?? "", /the primary connects,/);
      }
    });
  }
});

test("conformance - each check of a primary has a fault that it finds", () => {
  const found = new Set(faultyPrimaries.flatMap(([, checks]) => checks));
  assert.deepEqual(
    ids.filter((id) => !found.has(id)),
    [],
  );
});
