import assert from "node:assert/strict";
import { test } from "node:test";
import { FairQueue } from "./fair-queue.ts";

test("fair queue - callers take turns, whoever has how many", async () => {
  const queue = new FairQueue({ maxTaken: 1, maxWaiting: 10 });
  assert.equal(queue.tryEnter(), true);
  assert.equal(queue.tryEnter(), false);
  const order: string[] = [];
  const turns = ["a", "a", "a", "b", "c", "b"].map(async (caller) => {
    await queue.wait(caller)?.turn;
    order.push(caller);
    queue.leave();
  });
  queue.leave();
  await Promise.all(turns);
  assert.deepEqual(order, ["a", "b", "c", "a", "b", "a"]);
  assert.deepEqual([queue.taken, queue.waiting], [0, 0]);
});

test("fair queue - is bounded, and whoever gives up is passed over", async () => {
  const queue = new FairQueue({ maxTaken: 1, maxWaiting: 2 });
  queue.tryEnter();
  const first = queue.wait("a");
  const second = queue.wait("a");
  assert.equal(queue.wait("b"), undefined);
  assert.equal(first?.leave(), true);
  assert.equal(first.leave(), false);
  queue.leave();
  await second?.turn;
  assert.equal(second?.leave(), false);
  // A newcomer does not overtake who waits.
  const third = queue.wait("b");
  assert.equal(queue.tryEnter(), false);
  queue.leave();
  await third?.turn;
  queue.leave();
  assert.deepEqual([queue.taken, queue.waiting], [0, 0]);
});
