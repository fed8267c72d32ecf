// The conformance kit against our own hub and primary, which have to keep every rule, and against broken peers, which must not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { testEndpoint, type EndpointTiming, type Report } from "@sallyport/conformance";
import { HubFixture } from "../packages/hub/src/testing/hub-fixture.ts";

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
