// The conformance kit against our own hub, which has to keep every rule, against broken endpoints, which must not, and as a command.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  endpointChecks,
  serviceChecks,
  testEndpoint,
  type EndpointTiming,
  type Report,
} from "@sallyport/conformance";
import { HubFixture } from "../packages/hub/src/testing/hub-fixture.ts";
import { failuresOf } from "./kit/conformance.ts";
import { startFaultyEndpoint, type EndpointFault } from "./kit/faulty-endpoint.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { sallyport } from "./kit/sallyport.ts";

/** Patience for peers on this machine whose own waits are short. */
const quick: Partial<EndpointTiming> = { quietMs: 50, idleMs: 1_000, silenceMs: 20_000, commandMs: 20_000 };

for (const extensions of [true, false]) {
  test(`conformance - our hub keeps every rule of an endpoint (${extensions ? "sallyport.v1 for who offers it" : "NBWSS 1.0 only"})`, () =>
    keepsEveryRule(extensions));
}

async function keepsEveryRule(extensions: boolean): Promise<void> {
  await using fixture = await HubFixture.start({
    extensions,
    limits: {
      connectTimeoutMs: 300,
      refusalTimeoutMs: 300,
      pingIntervalMs: 250,
      maxMessageBytes: 8 * 1024 * 1024,
    },
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
  assert.deepEqual(failuresOf(report), []);
  assert.equal(report.summary.skipped, 0);
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([200]));
}

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
  assert.deepEqual(failuresOf(report), []);
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
          assert.doesNotMatch(failuresOf(report)[0] ?? "", /a WebSocket connection to/);
      }
    });
  }
});

test("conformance - a certificate that nobody vouches for fails, and each check has a fault that it finds", async () => {
  const only = "transport.certificate";
  const report = await testFaultyEndpoint([], { only, trusted: false });
  assert.match(failuresOf(report).join("\n"), /certificate/);
  const found = new Set([only, ...faultyEndpoints.flatMap(([, checks]) => checks)]);
  assert.deepEqual(
    endpointChecks.map(({ id }) => id).filter((id) => !found.has(id)),
    [],
  );
});

test("conformance - the command prints a table or JSON, fails when a MUST failed, and keeps the token to itself", async () => {
  using folder = temporaryFolder();
  for (const faults of [[], ["acknowledges-nothing"]] satisfies EndpointFault[][]) {
    await using endpoint = await startFaultyEndpoint(...faults);
    const caFile = join(folder.path, "ca.pem");
    writeFileSync(caFile, endpoint.ca);
    const args = ["conformance", "endpoint", endpoint.url, "--ca", caFile];
    const run = (...more: string[]) =>
      sallyport([...args, "--answer-timeout", "1", ...more], { SALLYPORT_TOKEN: endpoint.token });
    const table = await run("--only", "connect.*ed");
    const json = await run("--only", "connect.works", "--json");
    const report = JSON.parse(json.stdout) as Report;
    assert.deepEqual([table.code, json.code], [0, faults.length], table.stderr + json.stderr);
    assert.match(table.stdout, /pass +│ MUST +│ connect\.accepted +│.*│ NBWSS, CONNECT/);
    assert.match(table.stdout, /, 0 MUST failed, .* keeps what was tried/);
    assert.equal(report.summary.failedMust, faults.length);
    assert.match(json.stderr, /1\/1 (pass|FAIL) connect\.works/);
    assert.doesNotMatch(table.stdout + table.stderr + json.stdout + json.stderr, /the-right-token/);
  }
});

test("conformance - the command plays a cloud application with the token that it is given", async () => {
  using folder = temporaryFolder();
  const args = ["--listen", "127.0.0.1:0", "--data", folder.path, "--only", "connect.dials"];
  const run = sallyport(["conformance", "service", ...args, "--dial-timeout", "0.5"], {
    SALLYPORT_TOKEN: "given-by-the-test",
  });
  const { code, stdout } = await run;
  assert.equal(code, 1);
  assert.match(stdout, /"token": "given-by-the-test"/);
  assert.match(stdout, /"groupId": "conformance"/);
  assert.match(stdout, /add the endpoint on the primary/);
  assert.match(stdout, /FAIL connect\.dials \(MUST\)/);
});

for (const [title, checks] of [
  ["endpoint", endpointChecks],
  ["service", serviceChecks],
] as const) {
  test(`conformance - docs/conformance.md lists the checks of ${title} as they are`, () => {
    const text = readFileSync(join(import.meta.dirname, "..", "docs", "conformance.md"), "utf8");
    const section = text.split(/^## /m).find((part) => part.startsWith(`Checks: ${title}`)) ?? "";
    const rows = [...section.matchAll(/^\| `([\w.-]+)` \| (.*) \|$/gm)].map(([row]) => row);
    const expected = checks.map(
      ({ id, level, rule, source, needs = "" }) =>
        `| \`${id}\` | ${level} | ${rule} | ${source} | ${needs} |`,
    );
    assert.deepEqual(rows, expected);
  });
}
