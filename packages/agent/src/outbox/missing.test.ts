import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMissing } from "./missing.ts";

const dropped = (firstPosition: number, lastPosition: number) => ({
  groupId: "a",
  firstPosition,
  lastPosition,
  notifications: lastPosition - firstPosition + 1,
  sinceMs: 100,
  untilMs: 200,
  isOver: false,
});

const rows: [from: number, to: number, gap: [number, number] | undefined, expected: unknown[]][] = [
  [5, 4, undefined, []],
  [5, 6, undefined, [["endpoint_went_back", 5, 6, null, null]]],
  [5, 6, [1, 4], [["endpoint_went_back", 5, 6, null, null]]],
  [5, 6, [5, 6], [["outbox_full", 5, 6, 100, 200]]],
  [5, 6, [3, 6], [["outbox_full", 5, 6, null, 200]]],
  [5, 6, [5, 9], [["outbox_full", 5, 6, 100, null]]],
  [
    1,
    9,
    [4, 6],
    [
      ["endpoint_went_back", 1, 3, null, null],
      ["outbox_full", 4, 6, 100, 200],
      ["endpoint_went_back", 7, 9, null, null],
    ],
  ],
];
for (const [from, to, gap, expected] of rows) {
  test(`missing - ${from} to ${to}, dropped ${gap?.join(" to ") ?? "nothing"}`, () => {
    const found = describeMissing(from, to, gap === undefined ? undefined : dropped(...gap));
    assert.deepEqual(
      found.map((one) => [one.reason, one.from, one.to, one.sinceMs, one.untilMs]),
      expected,
    );
    assert.ok(found.every((one) => one.count === one.to - one.from + 1));
  });
}
