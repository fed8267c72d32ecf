import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@sallyport/nbwss";
import { Failed, Skipped, type Check } from "./check.ts";
import { makeReport } from "./report.ts";
import { runChecks, selectChecks } from "./runner.ts";

function check(id: string, run: () => Promise<void>, level: "MUST" | "SHOULD" = "MUST"): Check<null> {
  return { id, rule: "a rule", source: "a source", level, run };
}

const checks = [
  check("a.good", async () => {}),
  check("a.bad", () => Promise.reject(new Failed("this", "that"))),
  check("a.bad-too", () => Promise.reject(new Failed("this", "that")), "SHOULD"),
  check("b.left-out", () => Promise.reject(new Skipped("no time"))),
  check("b.broken", () => Promise.reject(new TypeError("a fault of the check"))),
];

test("runner - runs every check, and what throws anything else counts as failed", async () => {
  const started: string[] = [];
  const results = await runChecks(checks, null, {
    clock: systemClock,
    skipReason: ({ id }) => (id === "a.good" ? "not today" : undefined),
    progress: { started: ({ id }, { number, of }) => started.push(`${number}/${of} ${id}`) },
  });
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ["skip", "fail", "fail", "skip", "fail"],
  );
  assert.deepEqual(started[4], "5/5 b.broken");
  const { summary } = makeReport("endpoint", "wss://x", results);
  assert.deepEqual(summary, { passed: 0, failedMust: 2, failedShould: 1, skipped: 2 });
});

test("runner - chooses by exact name, else by pattern or part of the name", () => {
  const chosen = (only?: string) => selectChecks(checks, only).map(({ id }) => id);
  assert.equal(chosen().length, checks.length);
  assert.deepEqual(chosen("a.bad"), ["a.bad"]);
  assert.deepEqual(chosen("a.ba"), ["a.bad", "a.bad-too"]);
  assert.deepEqual(chosen("a.*"), ["a.good", "a.bad", "a.bad-too"]);
  assert.deepEqual(chosen("*.left-out"), ["b.left-out"]);
  assert.deepEqual(chosen("nothing"), []);
});
