import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { ClockJumps } from "./clock-jumps.ts";

test("clock jumps - are noticed within five seconds, forward and back, and small steps are not", () => {
  const clock = new ManualClock();
  const jumps: number[] = [];
  using _watch = new ClockJumps(clock, (ms) => jumps.push(ms));
  clock.advance(60_000);
  clock.step(1_500);
  clock.advance(10_000);
  assert.deepEqual(jumps, []);
  clock.step(3_600_000);
  clock.advance(5_000);
  assert.deepEqual(jumps, [3_600_000]);
  clock.step(-86_400_000);
  clock.advance(5_000);
  assert.deepEqual(jumps, [3_600_000, -86_400_000]);
  clock.advance(60_000);
  assert.equal(jumps.length, 2);
});

test("clock jumps - a process that stood still is noticed too, and the watch leaves no timer", () => {
  const clock = new ManualClock();
  const jumps: number[] = [];
  let lateMs = 0;
  const late = { now: () => clock.now() + lateMs, monotonicMs: () => clock.monotonicMs() + lateMs };
  const watch = new ClockJumps({ ...late, after: (ms, run) => clock.after(ms, run) }, (ms) => jumps.push(ms));
  lateMs = 30_000;
  clock.advance(5_000);
  assert.deepEqual(jumps, [30_000]);
  watch[Symbol.dispose]();
  assert.equal(clock.armed, 0);
});
