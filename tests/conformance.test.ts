// The conformance kit against our own hub and primary, which have to keep every rule, and against broken peers, which must not.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { endpointsOf, PrimaryClient } from "@sallyport/cli";
import {
  endpointChecks,
  PrimaryListener,
  testEndpoint,
  testService,
  type EndpointTiming,
  type Report,
} from "@sallyport/conformance";
import { HubFixture } from "../packages/hub/src/testing/hub-fixture.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { startServer } from "./kit/sallyport.ts";
import { makeSource, password } from "./kit/site.ts";
import { startFaultyEndpoint, type EndpointFault } from "./kit/faulty-endpoint.ts";

/** Patience for peers on this machine whose own waits are short. */
const quick: Partial<EndpointTiming> = { quietMs: 50, idleMs: 1_000, silenceMs: 20_000, commandMs: 20_000 };

function failures({ results }: Report): string[] {
  return results.flatMap((result) =>
    result.outcome === "fail" ? [`${result.id}: expected ${result.expected}, came ${result.came}`] : [],
  );
}

test("conformance - our hub keeps every rule of an endpoint", async () => {
  await using fixture = await HubFixture.start({
    limits: { connectTimeoutMs: 300, refusalTimeoutMs: 300, pingIntervalMs: 250 },
  });
  const primary = await fixture.enrol();
  const calls: Promise<number>[] = [];
  const call = async () => {
    const headers = { "Content-Type": "application/vnd.netbackup+json;version=12.0" };
    const path = `/api/v1/primaries/${primary.id}/netbackup/ping`;
    return (await fixture.call({ path, headers })).status;
  };
  const report = await testEndpoint({
    url: primary.endpoint.url,
    token: primary.endpoint.token,
    ca: fixture.ca,
    timing: quick,
    slow: true,
    progress: { waiting: () => calls.push(call()) },
  });
  assert.deepEqual(failures(report), []);
  assert.equal(report.summary.skipped, 0);
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([200]));
});

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
  const timing = { quietMs: 200, lateMs: 600, noResendMs: 1_500, notificationMs: 30_000, dialMs: 30_000 };
  const report = await testService({ listener, timing, slow: true, progress: { waiting } });
  await Promise.all(backups);
  assert.deepEqual(failures(report), []);
  assert.equal(report.summary.skipped, 0);
});

/** Which checks have to fail at an endpoint with these faults, each check run for itself. */
const faultyEndpoints: [faults: EndpointFault[], checks: string[]][] = [
  [["serves-plain"], ["transport.plain"]],
  [["serves-old-tls"], ["transport.old-tls"]],
  [["reads-binary"], ["transport.binary", "transport.binary-connect"]],
  [["reads-bad-utf8"], ["transport.invalid-utf8-code"]],
  [["reads-bad-utf8", "never-closes"], ["transport.invalid-utf8"]],
  [["refuses-fragments"], ["transport.fragments"]],
  [["never-reads"], ["transport.close"]],
  [["refuses-every-token"], ["connect.accepted"]],
  [["answers-under-new-ids"], ["connect.response", "connect.lower-case-id", "connect.accepted"]],
  [["answers-in-milliseconds"], ["connect.response", "notifications.response"]],
  [
    ["accepts-every-token"],
    ["connect.wrong-token", "connect.wrong-token-closed", "connect.empty-token", "connect.no-token"],
  ],
  [["serves-the-refused"], ["connect.wrong-token-unserved"]],
  [["reads-other-versions"], ["connect.wrong-version", "bad-messages.other-version"]],
  [["serves-before-connect"], ["connect.not-first"]],
  [["refuses-a-second-connection"], ["connect.takeover"]],
  [["keeps-the-older-connection"], ["connect.superseded"]],
  [["accepts-three-times"], ["connect.again"]],
  [
    ["never-closes"],
    ["connect.nothing", "connect.wrong-token-closed", "connect.superseded", "commands.request-from-primary"],
  ],
  [["closes-with-1000"], badMessages()],
  [["dies-of-bad-messages"], ["bad-messages.harm"]],
  [
    ["reads-compact-json-only"],
    ["envelope.pretty-printed", "envelope.white-space", "envelope.key-order", "envelope.escapes"],
  ],
  [["reads-upper-case-only"], ["envelope.lower-case-ids", "connect.lower-case-id"]],
  [["refuses-unknown-members"], ["envelope.unknown-members"]],
  [["refuses-old-times"], ["envelope.old-time"]],
  [
    ["knows-only-good-items"],
    [
      "image",
      "replication",
      "many-entries",
      "many-items",
      "empty-policy",
      "empty",
      "no-items",
      "unknown-kind",
    ]
      .map((name) => `notifications.${name}`)
      .concat("sizes.tiny"),
  ],
  [["acknowledges-nothing"], ["notifications.job", "connect.works"]],
  [["acknowledges-an-id-once"], ["notifications.resent", "notifications.resent-after-cut"]],
  [["acknowledges-an-item-once"], ["notifications.resent-new-id"]],
  [["acknowledges-twice"], ["notifications.at-once"]],
  [["acknowledges-with-an-object"], ["notifications.response-payload"]],
  [["takes-little"], ["sizes.one-mebibyte", "sizes.just-below"]],
  [["takes-everything"], ["sizes.over", "sizes.over-in-fragments"]],
  [["answers-no-ping"], ["keep-alive.pong"]],
  [["dies-of-unasked-pongs"], ["keep-alive.unasked-pong"]],
  [["cuts-the-idle"], ["keep-alive.idle"]],
  [["sends-no-ping"], ["keep-alive.pings", "keep-alive.half-open"]],
  [["dies-of-unknown-answers"], ["commands.unknown-response"]],
  [["sends-bad-commands"], ["commands.request", "commands.content-type"]],
  [["reuses-command-ids"], ["commands.unique-ids"]],
  [["dies-of-answers"], endpointChecks.map(({ id }) => id).filter((id) => id.startsWith("commands.answer-"))],
];

function badMessages(): string[] {
  const ids = endpointChecks.map(({ id }) => id);
  return ids.filter((id) => id.startsWith("bad-messages.") && id !== "bad-messages.harm");
}

async function testFaultyEndpoint(
  faults: EndpointFault[],
  options: { only?: string; timing?: Partial<EndpointTiming>; trusted?: boolean } = {},
): Promise<Report> {
  await using endpoint = await startFaultyEndpoint(...faults);
  const { url, token, ca } = endpoint;
  return await testEndpoint({
    url,
    token,
    ca: options.trusted === false ? undefined : ca,
    timing: { ...quick, maxMessageBytes: 1 << 20, ...options.timing },
    slow: true,
    only: options.only,
    progress: { waiting: () => endpoint.command() },
  });
}

test("conformance - an endpoint without faults passes every check", async () => {
  const report = await testFaultyEndpoint([]);
  assert.deepEqual(failures(report), []);
  assert.equal(report.summary.passed, endpointChecks.length);
});

/** What a broken peer never does need not be waited for long; what it wrongly does is seen as soon as it comes. */
const impatient: Partial<EndpointTiming> = { answerMs: 700, closeMs: 700, silenceMs: 700, quietMs: 10_000 };

describe("conformance - faulty endpoints", { concurrency: 6 }, () => {
  for (const [faults, checks] of faultyEndpoints) {
    test(`conformance - an endpoint that ${faults.join(", ").replaceAll("-", " ")} fails`, async () => {
      for (const only of checks) {
        const report = await testFaultyEndpoint(faults, { only, timing: impatient });
        const outcomes = report.results.map(({ id, outcome }) => [id, outcome]);
        assert.deepEqual(outcomes, [[only, "fail"]]);
        // A peer that can't be reached fails every check, which would prove nothing.
        if (only !== "bad-messages.harm")
          assert.doesNotMatch(failures(report)[0] ?? "", /a WebSocket connection to/);
      }
    });
  }
});

test("conformance - a certificate that nobody vouches for fails, and each check has a fault that it finds", async () => {
  const only = "transport.certificate";
  const report = await testFaultyEndpoint([], { only, trusted: false });
  assert.match(failures(report).join("\n"), /certificate/);
  const found = new Set([only, ...faultyEndpoints.flatMap(([, checks]) => checks)]);
  assert.deepEqual(
    endpointChecks.map(({ id }) => id).filter((id) => !found.has(id)),
    [],
  );
});
