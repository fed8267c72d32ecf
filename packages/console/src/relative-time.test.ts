import assert from "node:assert/strict";
import { test } from "node:test";
import { relativeTime } from "./relative-time.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const table: [moment: string, words: string][] = [
  ["2026-03-01T12:00:00Z", "just now"],
  ["2026-03-01T12:00:09Z", "just now"],
  ["2026-03-01T11:59:59Z", "1 second ago"],
  ["2026-03-01T11:59:01Z", "59 seconds ago"],
  ["2026-03-01T11:58:01Z", "1 minute ago"],
  ["2026-03-01T10:00:01Z", "1 hour ago"],
  ["2026-02-27T11:00:00Z", "2 days ago"],
  ["2025-12-01T12:00:00Z", "3 months ago"],
  ["2023-12-01T12:00:00Z", "2 years ago"],
  ["2026-03-01T12:00:30Z", "in 30 seconds"],
  ["2026-03-08T12:00:00Z", "in 7 days"],
];

for (const [moment, words] of table) {
  test(`relative time - says "${words}" of ${moment}`, () => {
    assert.equal(relativeTime(Date.parse(moment), now), words);
  });
}
