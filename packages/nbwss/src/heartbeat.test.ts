import assert from "node:assert/strict";
import { test } from "node:test";
import { Heartbeat } from "./heartbeat.ts";
import { ManualClock } from "./testing/manual-clock.ts";

function beating(maxMissed: number) {
  const clock = new ManualClock();
  const seen = { pings: 0, deaths: 0 };
  const heartbeat = new Heartbeat({
    clock,
    pace: { intervalMs: 10, maxMissed },
    ping: () => (seen.pings += 1),
    dead: () => (seen.deaths += 1),
  });
  heartbeat.start();
  return { clock, heartbeat, seen };
}

test("heartbeat - reports a silent peer once, after one ping more than may be missed", () => {
  const { clock, seen } = beating(2);
  clock.advance(20);
  assert.deepEqual(seen, { pings: 2, deaths: 0 });
  clock.advance(10);
  assert.deepEqual(seen, { pings: 2, deaths: 1 });
  clock.advance(100);
  assert.deepEqual(seen, { pings: 2, deaths: 1 });
});

test("heartbeat - goes on as long as anything comes, whether or not a pong was missed before", () => {
  const { clock, heartbeat, seen } = beating(2);
  for (let round = 0; round < 50; round += 1) {
    clock.advance(20);
    heartbeat.alive();
  }
  assert.deepEqual(seen, { pings: 100, deaths: 0 });
});

test("heartbeat - takes up another pace at once, and does not start by it", () => {
  const { clock, heartbeat, seen } = beating(1);
  clock.advance(9);
  heartbeat.setPace({ intervalMs: 100, maxMissed: 2 });
  clock.advance(299);
  assert.deepEqual(seen, { pings: 2, deaths: 0 });
  clock.advance(1);
  assert.deepEqual(seen, { pings: 2, deaths: 1 });
  heartbeat.setPace({ intervalMs: 10, maxMissed: 2 });
  assert.equal(clock.armed, 0);
});

test("heartbeat - stops, and leaves no timer", () => {
  const { clock, heartbeat, seen } = beating(1);
  heartbeat.start();
  heartbeat.stop();
  clock.advance(100);
  assert.deepEqual([seen.pings, clock.armed], [0, 0]);
});
