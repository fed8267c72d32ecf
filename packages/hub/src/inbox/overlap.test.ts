import assert from "node:assert/strict";
import { test } from "node:test";
import { overlap } from "./overlap.ts";

for (const [stored, incoming, expected, what] of [
  ["", "A", 0, "the first item"],
  ["A", "A", 1, "a resend"],
  ["AB", "A", 0, "a change back"],
  ["AB", "B", 1, "a resend of the newest"],
  ["AB", "AB", 2, "a resend of several"],
  ["A", "AB", 1, "a resend with something new behind it"],
  ["AA", "AA", 2, "equal items that came in one message"],
  ["A", "AA", 1, "one more of the same in one message"],
  ["ABA", "BA", 2, "the end of a longer history"],
  ["ABC", "AB", 0, "an old part of it"],
] as const) {
  test(`overlap - ${what}: ${stored || "nothing"} then ${incoming} repeats ${expected}`, () => {
    assert.equal(overlap(stored.split(""), incoming.split("")), expected);
  });
}
