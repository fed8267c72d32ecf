import assert from "node:assert/strict";
import { test } from "node:test";
import { labelFault, toLabels, toPairs } from "./label-pairs.ts";

test("label pairs - are taken apart at the first =, and put together again", () => {
  const labels = { site: "vienna", note: "a=b", empty: "" };
  assert.deepEqual(toPairs(labels), ["site=vienna", "note=a=b", "empty="]);
  assert.deepEqual(toLabels(toPairs(labels)), labels);
});

for (const [text, isFine] of [
  ["site=vienna", true],
  ["a.b_c-1=", true],
  ["site", false],
  ["=vienna", false],
  ["my site=vienna", false],
  [`${"n".repeat(65)}=v`, false],
] as const) {
  test(`label pairs - "${text}" is ${isFine ? "a label" : "refused with a reason"}`, () => {
    assert.equal(labelFault(text) === null, isFine);
  });
}
