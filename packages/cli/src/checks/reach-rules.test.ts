import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckState } from "@sallyport/agent";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureServerCertificate } from "@sallyport/certificates";
import { readCertificates } from "./certificate-rules.ts";
import { clientTlsCheck, clockCheck, readyCheck, servedTlsCheck, upgradeCheck } from "./reach-rules.ts";

async function makeChain() {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-checks-"));
  try {
    const made = { dir, owner: "test", hostNames: ["hub.example"], nowMs: Date.now() };
    const { certPem, caPem } = await ensureServerCertificate(made);
    const [leaf, ca] = readCertificates(certPem + caPem);
    assert.ok(leaf !== undefined && ca !== undefined);
    return [leaf, ca] as const;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("served TLS - is the hub's, a proxy's that is known, or somebody else's", async () => {
  const own = await makeChain();
  const other = await makeChain();
  const state = (chain: typeof own | [], problem: string | undefined, hasProxies: boolean) =>
    servedTlsCheck({ chain: [...chain], problem }, own[0], hasProxies).state;
  assert.equal(state(own, undefined, false), "pass");
  assert.equal(state(other, undefined, true), "pass");
  assert.equal(state(other, undefined, false), "warn");
  assert.equal(state(other, "SELF_SIGNED_CERT_IN_CHAIN", true), "fail");
  assert.equal(state([], "EPROTO", true), "fail");
});

test("client's TLS - what can't be verified says why and what to give", async () => {
  const [leaf, ca] = await makeChain();
  const nowMs = Date.now();
  const of = (problem: string | undefined, atMs = nowMs) =>
    clientTlsCheck({ chain: [leaf, ca], problem }, "hub.example", atMs);
  assert.equal(of(undefined).state, "pass");
  assert.equal(of(undefined, leaf.validToDate.getTime() - 1).state, "warn");
  assert.match(of("ERR_TLS_CERT_ALTNAME_INVALID").found, /not for hub\.example, only for DNS:hub\.example/);
  assert.match(of("CERT_HAS_EXPIRED").todo ?? "", /renew/);
  assert.match(of("CERT_NOT_YET_VALID").todo ?? "", /clock/);
  assert.match(of("UNABLE_TO_VERIFY_LEAF_SIGNATURE").todo ?? "", /--ca .*CN=test authority/);
  assert.match(clientTlsCheck({ chain: [], problem: "EPROTO" }, "x", nowMs).found, /no TLS there \(EPROTO\)/);
});

test("readyz - only a hub that takes work passes, and the way out fits what answers", () => {
  const rows: [status: number, text: string, CheckState, todo: RegExp | undefined][] = [
    [200, '{"status":"ok"}', "pass", undefined],
    [503, '{"status":"not ready"}', "fail", /hub's log/],
    [503, "<html>no backend</html>", "fail", /proxy in front/],
    [502, "", "fail", /proxy in front/],
    [404, "not found", "fail", /something else answers/],
    [200, "<html>", "fail", /something else answers/],
    [200, "null", "fail", /something else answers/],
    [200, '{"status":{}}', "fail", /something else answers/],
  ];
  for (const [status, text, state, todo] of rows) {
    const found = readyCheck({ status, text, headers: {}, sentMs: 0, receivedMs: 0 });
    assert.equal(found.state, state, text);
    if (todo !== undefined) assert.match(found.todo ?? "", todo);
  }
});

test("clock - differs by no more than what the header and the way can't explain", () => {
  const nowMs = Date.parse("2026-01-01T00:00:00Z");
  const at = (offsetS: number) => new Date(nowMs + offsetS * 1000).toUTCString();
  const rows: [offsetS: number, CheckState, RegExp][] = [
    [0, "pass", /agree/],
    // The second of the header is cut off.
    [-1, "pass", /agree/],
    [5, "pass", /differ by 5 s \(this one is behind\)/],
    [6, "warn", /6 s \(this one is behind\)/],
    [-7, "warn", /6 s \(this one is ahead\)/],
    [60, "warn", /60 s/],
    [61, "fail", /61 s/],
    [-3600, "fail", /3599 s/],
  ];
  for (const [offsetS, state, found] of rows) {
    const check = clockCheck(at(offsetS), nowMs, nowMs);
    assert.equal(check.state, state, String(offsetS));
    assert.match(check.found, found);
  }
  // An answer that took long says nothing of the clocks.
  assert.equal(clockCheck(at(9), nowMs, nowMs + 10_000).state, "pass");
  assert.equal(clockCheck(undefined, nowMs, nowMs).state, "warn");
  assert.equal(clockCheck("yesterday", nowMs, nowMs).state, "warn");
});

test("upgrade - has to get through to the hub, and the closing back", () => {
  const upgraded = { status: 101, isAccepted: true, isHub: true, isClosedByPeer: true };
  assert.equal(upgradeCheck(upgraded).state, "pass");
  assert.match(upgradeCheck({ ...upgraded, isHub: false }).found, /takes headers out/);
  assert.equal(upgradeCheck({ ...upgraded, isAccepted: false }).state, "fail");
  assert.match(upgradeCheck({ ...upgraded, isClosedByPeer: false }).todo ?? "", /both directions/);
  for (const [status, todo] of [
    [200, /nginx/],
    [404, /nginx/],
    [502, /does not reach/],
    [503, /maxUnproven/],
  ] as const) {
    assert.match(upgradeCheck({ ...upgraded, status }).todo ?? "", todo);
  }
});
