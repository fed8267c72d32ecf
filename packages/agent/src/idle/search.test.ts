import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  beginSearch,
  isComplete,
  nextSilence,
  noteSilence,
  type IdleOutcome,
  type IdleRules,
  type IdleSearch,
} from "./search.ts";

const rules: IdleRules = { startMs: 30_000, limitMs: 1_800_000, budgetMs: 7_200_000 };

/** Runs a search on a line that does `line`; its silences, and what is known at its end. */
function run(given: IdleRules, line: (silenceMs: number, n: number) => IdleOutcome) {
  let search: IdleSearch = beginSearch(given);
  const silences: number[] = [];
  for (let next = nextSilence(search); next !== undefined; next = nextSilence(search)) {
    assert.ok(silences.length < 64, "as many as an endpoint grants");
    search = noteSilence(search, next, line(next, silences.length));
    silences.push(next);
  }
  return { search, silences };
}

const idle =
  (timerMs: number, tells = true) =>
  (silenceMs: number): IdleOutcome =>
    silenceMs < timerMs ? { isCut: false } : { isCut: true, afterMs: tells ? timerMs : silenceMs };

test("idle search - doubles up to the limit where nothing cuts", () => {
  const { search, silences } = run({ ...rules, limitMs: 200_000 }, idle(Infinity));
  assert.deepEqual(silences, [30_000, 60_000, 120_000, 200_000]);
  assert.deepEqual([search.survivedMs, search.cutMs, isComplete(search)], [200_000, undefined, true]);
});

test("idle search - is quick where the cut is told, and believes it when it comes again", () => {
  const { search, silences } = run(rules, idle(350_000));
  assert.deepEqual(silences, [30_000, 60_000, 120_000, 240_000, 480_000, 310_434, 402_500]);
  assert.deepEqual([search.survivedMs, search.cutMs, isComplete(search)], [310_434, 350_000, true]);
});

test("idle search - a cut by chance is not taken for a timer", () => {
  const { search } = run({ ...rules, limitMs: 240_000 }, (_silenceMs, n) =>
    n === 2 ? { isCut: true, afterMs: 100_000 } : { isCut: false },
  );
  assert.deepEqual([search.survivedMs, search.cutMs, search.chances], [240_000, undefined, 1]);
  const bad = run(rules, (silenceMs, n) =>
    n === 0 ? { isCut: false } : { isCut: true, afterMs: Math.min(silenceMs, 1000) },
  );
  assert.deepEqual([bad.silences.length, bad.search.survivedMs, bad.search.cutMs], [4, 30_000, undefined]);
});

test("idle search - whatever the timer, the bracket holds it, and time and budget are bounded", () => {
  const timers = fc.record({
    timerMs: fc.integer({ min: 1, max: 3_000_000 }),
    tells: fc.boolean(),
    startMs: fc.integer({ min: 1_000, max: 60_000 }),
    limitMs: fc.integer({ min: 60_000, max: 1_800_000 }),
    budget: fc.double({ min: 0.1, max: 10, noNaN: true }),
  });
  fc.assert(
    fc.property(timers, ({ timerMs, tells, startMs, limitMs, budget }) => {
      const budgetMs = limitMs * budget;
      const { search } = run({ startMs, limitMs, budgetMs }, idle(timerMs, tells));
      assert.ok(search.survivedMs < timerMs && search.survivedMs <= limitMs);
      assert.ok(search.cutMs === undefined || search.cutMs >= timerMs);
      assert.ok(search.spentMs <= budgetMs);
      assert.equal(search.chances, 0);
      if (!isComplete(search)) return;
      if (search.cutMs === undefined) assert.equal(search.survivedMs, limitMs);
      else assert.ok(search.cutMs <= Math.max(500, search.survivedMs * 1.15));
    }),
  );
});
