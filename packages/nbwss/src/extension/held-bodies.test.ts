import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldBodies } from "./held-bodies.ts";

test("held bodies - have a bound together, but for one that is there alone", () => {
  const held = new HeldBodies(10);
  assert.equal(held.take(15), true);
  assert.equal(held.take(1), false);
  held.release(15);
  assert.equal(held.take(6), true);
  assert.equal(held.take(4), true);
  assert.equal(held.take(1), false);
  held.release(4);
  assert.equal(held.take(3), true);
});
