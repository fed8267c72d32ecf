import assert from "node:assert/strict";
import test from "node:test";
import { isWithin, pathProblem } from "./path-rules.ts";

for (const path of ["/", "/a", "/a b/-c/*", "/..a", "/a\nb"]) {
  test(`path rules - accept ${JSON.stringify(path)}`, () => assert.equal(pathProblem(path), undefined));
}
for (const path of ["", "a", "/a/", "//a", "/a/../b", "/a/.", "/a\0", `/${"a".repeat(5000)}`, "/\uD800"]) {
  test(`path rules - refuse ${JSON.stringify(path.slice(0, 20))}`, () =>
    assert.notEqual(pathProblem(path), undefined));
}

test("path rules - know what lies within a folder", () => {
  assert.ok(isWithin("/a", "/a"));
  assert.ok(isWithin("/a/b", "/a"));
  assert.ok(isWithin("/a", "/"));
  assert.ok(!isWithin("/ab", "/a"));
});
