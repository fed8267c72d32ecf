import assert from "node:assert/strict";
import { test } from "node:test";
import {
  backoffMs,
  failingForMs,
  nextAttemptMs,
  readRetryAfter,
  verdictOf,
  type Failing,
} from "./retry-schedule.ts";

const hourMs = 3_600_000;
const nowMs = Date.parse("2026-11-24T12:00:00Z");
const failing = (more: Partial<Failing>): Failing => ({
  attempts: 1,
  failures: 1,
  refusals: 0,
  takesOthers: true,
  firstAttemptMs: nowMs,
  nowMs,
  retryAfterMs: undefined,
  random: 0.5,
  ...more,
});

test("retry schedule - answers mean delivered, gone, refused for what it is, or failed", () => {
  const table = {
    200: "delivered",
    204: "delivered",
    410: "gone",
    400: "refused",
    404: "refused",
    413: "refused",
  };
  const more = {
    422: "refused",
    301: "failed",
    401: "failed",
    403: "failed",
    408: "failed",
    429: "failed",
    500: "failed",
  };
  for (const [status, verdict] of Object.entries({ ...table, ...more })) {
    assert.equal(verdictOf(Number(status)), verdict, status);
  }
});

test("retry schedule - pauses grow from seconds to hours, each a quarter longer or shorter by chance", () => {
  const pauses = [1, 2, 3, 6, 9, 30].map(
    (failures) => ((nextAttemptMs(failing({ failures })) ?? 0) - nowMs) / 1000,
  );
  assert.deepEqual(pauses, [5, 30, 120, 3_600, 21_600, 21_600]);
  const [shortest, longest] = [0, 1].map((random) => (nextAttemptMs(failing({ random })) ?? 0) - nowMs);
  assert.deepEqual([shortest, longest], [3_750, 6_250]);
});

test("retry schedule - a delivery is tried for four days and at least twenty times before it is given up", () => {
  let atMs = nowMs;
  let attempts = 0;
  for (let at: number | undefined = nowMs; at !== undefined;) {
    atMs = at;
    attempts += 1;
    at = nextAttemptMs(failing({ attempts, failures: attempts, firstAttemptMs: nowMs, nowMs: atMs }));
  }
  assert.ok(attempts >= 20, String(attempts));
  assert.ok(atMs - nowMs >= 96 * hourMs && atMs - nowMs < 110 * hourMs, String((atMs - nowMs) / hourMs));
  // A hub that was stopped for a week has tried once only.
  assert.notEqual(nextAttemptMs(failing({ attempts: 2, firstAttemptMs: nowMs - 168 * hourMs })), undefined);
});

test("retry schedule - what is refused for what it is, is given up after five attempts, unless all is refused", () => {
  assert.notEqual(nextAttemptMs(failing({ attempts: 4, refusals: 4 })), undefined);
  assert.equal(nextAttemptMs(failing({ attempts: 5, refusals: 5 })), undefined);
  assert.notEqual(nextAttemptMs(failing({ attempts: 5, refusals: 5, takesOthers: false })), undefined);
});

test("retry schedule - Retry-After is seconds or a date, up to six hours, and never makes a pause shorter", () => {
  assert.equal(readRetryAfter("120", nowMs), 120_000);
  assert.equal(readRetryAfter("Tue, 24 Nov 2026 12:10:00 GMT", nowMs), 600_000);
  assert.equal(readRetryAfter("Tue, 24 Nov 2026 11:00:00 GMT", nowMs), 0);
  assert.equal(readRetryAfter("9999999999", nowMs), 6 * hourMs);
  for (const text of [undefined, "", "soon", "-5", "1e9999"])
    assert.equal(readRetryAfter(text, nowMs), undefined, text);
  assert.equal(nextAttemptMs(failing({ retryAfterMs: 0 })), nowMs + 5_000);
  assert.equal(nextAttemptMs(failing({ retryAfterMs: 60_000 })), nowMs + 60_000);
});

test("retry schedule - a webhook pauses as a whole when attempts fail in a row, ten minutes at most", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 50].map((failures) => backoffMs(failures, 0.5) / 1000),
    [0, 0, 5, 10, 20, 600],
  );
});

test("retry schedule - quiet days and a stopped hub do not count as failing", () => {
  assert.equal(failingForMs(null, nowMs), 0);
  assert.equal(failingForMs(nowMs - 6 * hourMs, nowMs), 6 * hourMs);
  assert.equal(failingForMs(nowMs - 13 * hourMs, nowMs), 0);
  // The clock was set back.
  assert.equal(failingForMs(nowMs + hourMs, nowMs), 0);
});
