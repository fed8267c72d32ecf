import assert from "node:assert/strict";
import test from "node:test";
import { parseFilter, type FilterFields } from "./filter.ts";

const fields: FilterFields = {
  jobId: { sql: "id", type: "number" },
  state: { sql: "state", type: "enum" },
  policyName: { sql: "policy_name", type: "text" },
  startTime: { sql: "started", type: "timeMs" },
};

const good: [filter: string, sql: string, values: (string | number)[]][] = [
  ["jobId eq 7", "(id) = ?", [7]],
  ["jobId eq '7'", "(id) = ?", [7]],
  ["state eq done and policyName ne 'it''s'", "(state) = ? AND (policy_name) <> ?", ["DONE", "it's"]],
  ["  policyName  eq  'and'  ", "(policy_name) = ?", ["and"]],
  ["policyName eq ''", "(policy_name) = ?", [""]],
  ["startTime ge 1970-01-01T00:00:01Z", "(started) >= ?", [1000]],
  ["startTime lt '1970-01-01T01:00:00.5+01:00'", "(started) < ?", [500]],
];
for (const [text, sql, values] of good) {
  test(`filter - reads ${text}`, () => {
    const filter = parseFilter(text, fields);
    assert.equal(filter.sql, sql);
    assert.deepEqual(filter.values, values);
  });
}

const bad = [
  "jobId",
  "jobId eq",
  "jobId eq x",
  "jobId like 7",
  "jobId constructor 7",
  "__proto__ eq 7",
  "unknown eq 7",
  "jobId eq 7 or jobId eq 8",
  "jobId eq 7 and",
  "jobId eq 7 jobId",
  "not jobId eq 7",
  "(jobId eq 7)",
  "contains(policyName,'x')",
  "policyName eq 'x",
  "policyName eq 'x'y",
  "'jobId' eq 7",
  "startTime ge 2024",
  `policyName eq '${"x".repeat(5000)}'`,
];
for (const text of bad) {
  test(`filter - refuses ${text.slice(0, 40)}`, () => {
    assert.throws(() => parseFilter(text, fields), { code: "invalid_filter" });
  });
}
