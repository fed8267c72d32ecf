import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, movedMs, refusedTokenMs } from "./backoff.ts";

const options = (random: number) => ({ baseMs: 1000, maxMs: 60_000, random: () => random });

test("backoff - is random between nothing and a ceiling that doubles up to the period", () => {
  const ceilings = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];
  for (const [attempt, ceiling] of ceilings.entries()) {
    assert.equal(backoffMs(attempt, options(0)), 0);
    assert.equal(backoffMs(attempt, options(0.5)), ceiling / 2);
    assert.ok(backoffMs(attempt, options(0.999999)) < ceiling);
  }
  assert.ok(backoffMs(1_000_000, options(0.999999)) < 60_000);
});

test("backoff - a refused token is tried again slowly, and always", () => {
  assert.equal(refusedTokenMs(options(0)), 30_000);
  assert.ok(refusedTokenMs(options(0.999999)) <= 60_000);
});

test("backoff - after a move it keeps the pace of the window, then falls back to the common one", () => {
  for (let attempt = 0; attempt < 12; attempt += 1)
    assert.equal(movedMs(attempt, 5_000, options(0.5)), 5_000);
  assert.equal(movedMs(0, 0, options(0.5)), 1_000);
  assert.equal(movedMs(12, 5_000, options(0.5)), 500);
  assert.equal(movedMs(100, 5_000, options(0.5)), 30_000);
});
