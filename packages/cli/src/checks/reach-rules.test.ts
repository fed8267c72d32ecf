import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckState } from "./check.ts";
import { clockCheck, readyCheck, upgradeCheck } from "./reach-rules.ts";

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
