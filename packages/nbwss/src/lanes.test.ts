import assert from "node:assert/strict";
import { test } from "node:test";
import { laneNames, Lanes } from "./lanes.ts";

test("lanes - let out what is more urgent first, and keep the order within a lane", () => {
  const lanes = new Lanes();
  for (const name of laneNames.toReversed()) {
    lanes.push(name, `${name} 1`);
    lanes.push(name, `${name} 2`);
  }
  const left = Array.from({ length: lanes.length }, () => lanes.shift());
  assert.deepEqual(
    left,
    laneNames.flatMap((name) => [`${name} 1`, `${name} 2`]),
  );
  assert.deepEqual([lanes.shift(), lanes.length, lanes.units], [undefined, 0, 0]);
});

test("lanes - let the lowest go after sixteen others went before it", () => {
  const lanes = new Lanes();
  lanes.push("bulk", "bulk");
  for (let n = 0; n < 40; n += 1) lanes.push("command", `command ${n}`);
  const left = Array.from({ length: lanes.length }, () => lanes.shift());
  assert.equal(left.indexOf("bulk"), 16);
  assert.equal(left.length, 41);
});
