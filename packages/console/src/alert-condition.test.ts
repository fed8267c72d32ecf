import assert from "node:assert/strict";
import { test } from "node:test";
import { conditionOf, conditionText, type RuleValues } from "./alert-condition.ts";

const typed: RuleValues = {
  name: "r",
  kind: "no_good_backup",
  amount: 26,
  policy: " nightly ",
  client: "",
  labels: ["site=vienna"],
};

const table: [values: RuleValues, condition: object, text: string][] = [
  [
    typed,
    { kind: "no_good_backup", hours: 26, policy: "nightly", labels: { site: "vienna" }, primaries: [] },
    "no good backup by policy nightly for 26 h (only site=vienna)",
  ],
  [
    { ...typed, policy: "", client: "db1", labels: [] },
    { kind: "no_good_backup", hours: 26, client: "db1", labels: {}, primaries: [] },
    "no good backup of client db1 for 26 h",
  ],
  [
    { ...typed, kind: "primary_silent", amount: 90 },
    { kind: "primary_silent", minutes: 90, labels: { site: "vienna" }, primaries: [] },
    "a primary is silent for 90 min (only site=vienna)",
  ],
  [
    { ...typed, kind: "notifications_missing", amount: 24 },
    { kind: "notifications_missing", hours: 24, labels: { site: "vienna" }, primaries: [] },
    "notifications were found missing in the last 24 h (only site=vienna)",
  ],
  [
    { ...typed, kind: "inbox_behind", amount: 60 },
    { kind: "inbox_behind", seconds: 60 },
    "the inbox is behind by 60 s",
  ],
];

for (const [values, condition, text] of table) {
  test(`alert condition - ${text}`, () => {
    assert.deepEqual(conditionOf(values), condition);
    assert.equal(conditionText(conditionOf(values)), text);
  });
}
