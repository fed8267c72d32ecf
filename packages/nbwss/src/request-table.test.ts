import assert from "node:assert/strict";
import { test } from "node:test";
import { NbwssError } from "./errors.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import { RequestTable } from "./request-table.ts";

const wait = { timeoutMs: 1000 };
const nothing = () => {};

test("request table - settles by id without regard to case, in any order", async () => {
  const table = new RequestTable<number>(new ManualClock(), 10);
  const [first, second] = [table.request("ab-1", nothing, wait), table.request("AB-2", nothing, wait)];
  assert.equal(table.settle("ab-2", 2), true);
  assert.equal(table.settle("AB-1", 1), true);
  assert.deepEqual(await Promise.all([first, second]), [1, 2]);
  assert.equal(table.settle("ab-1", 3), false);
});

test("request table - refuses one more than its bound without sending it", async () => {
  const table = new RequestTable<number>(new ManualClock(), 1);
  const first = table.request("a", nothing, wait);
  let sent = false;
  await assert.rejects(
    table.request("b", () => (sent = true), wait),
    { code: "busy", retryable: true },
  );
  assert.equal(sent, false);
  table.settle("a", 1);
  await first;
  assert.equal(table.size, 0);
});

test("request table - ends each wait once: deadline, caller gone, connection lost, not sent", async () => {
  const clock = new ManualClock();
  const table = new RequestTable<number>(clock, 10);
  const caller = new AbortController();
  const late = table.request("late", nothing, { timeoutMs: 50 });
  const left = table.request("left", nothing, { ...wait, signal: caller.signal });
  const lost = table.request("lost", nothing, wait);
  const unsent = table.request(
    "unsent",
    () => {
      throw new NbwssError("too_large", "no");
    },
    wait,
  );
  await assert.rejects(unsent, { code: "too_large" });
  clock.advance(50);
  await assert.rejects(late, { code: "timeout", retryable: false });
  caller.abort();
  await assert.rejects(left, { code: "cancelled" });
  table.failAll(new NbwssError("lost", "gone"));
  await assert.rejects(lost, { code: "lost" });
  assert.deepEqual([table.size, clock.armed], [0, 0]);
  await assert.rejects(table.request("x", nothing, { ...wait, signal: caller.signal }), {
    code: "cancelled",
  });
});
