import assert from "node:assert/strict";
import test from "node:test";
import { planRestore } from "./restore-plan.ts";

const select = (...paths: string[]) => paths.map((path) => ({ path, backupId: "c_1" }));
const destinations = (paths: string[], renames: [string, string][]) =>
  planRestore(
    select(...paths),
    renames.map(([from, to]) => ({ from, to })),
  ).map(({ path, destination }) => `${path}>${destination}`);

test("restore plan - restores to where it was without a rename", () => {
  assert.deepEqual(destinations(["/a", "/b/c"], []), ["/a>/a", "/b/c>/b/c"]);
});
test("restore plan - replaces the longest prefix", () => {
  assert.deepEqual(
    destinations(
      ["/a/b/c"],
      [
        ["/a", "/x"],
        ["/a/b", "/y"],
      ],
    ),
    ["/a/b/c>/y/c"],
  );
  assert.deepEqual(destinations(["/a"], [["/", "/x"]]), ["/a>/x/a"]);
  assert.deepEqual(destinations(["/"], [["/", "/x"]]), ["/>/x"]);
  assert.deepEqual(destinations(["/ab"], [["/a", "/x"]]), ["/ab>/ab"]);
});
test("restore plan - drops a selection that goes along with an outer one, and doubles", () => {
  assert.deepEqual(destinations(["/a/b", "/a", "/a"], []), ["/a>/a"]);
});
test("restore plan - refuses what would cut a selection apart, and bad paths", () => {
  assert.throws(() => destinations(["/a"], [["/a/b", "/x"]]), { code: "invalid_request" });
  assert.throws(() => destinations(["/a", "/a/b"], [["/a/b", "/x"]]), { code: "invalid_request" });
  assert.throws(() => destinations(["a"], []), { code: "invalid_request" });
  assert.throws(() => destinations(["/a"], [["/a", "x/../y"]]), { code: "invalid_request" });
});
