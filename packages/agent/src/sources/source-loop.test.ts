import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@sallyport/nbwss/testing";
import { pino } from "pino";
import { SourceError } from "./source-error.ts";
import { backoffAfter, SourceLoop } from "./source-loop.ts";

const terms = { everyMs: 5_000, maxMs: 300_000, retryAfterMs: 0, random: 0 };
const table: [title: string, failures: number, more: Partial<typeof terms>, expected: number][] = [
  ["the first time its common pace", 1, {}, 5_000],
  ["twice as long each time", 4, {}, 40_000],
  ["never longer than the bound", 40, {}, 300_000],
  ["at most half less by chance", 4, { random: 0.999_999 }, 20_000],
  ["what the server asked for, if that is longer", 1, { retryAfterMs: 60_000 }, 60_000],
  ["a second at least when the pace is none", 1, { everyMs: 0 }, 1_000],
];
for (const [title, failures, more, expected] of table) {
  test(`loop - after a failure waits ${title}`, () => {
    assert.equal(backoffAfter(failures, { ...terms, ...more }), expected);
  });
}

test("loop - reads at its pace, slower while it fails, and says when it recovered", async () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = pino(
    {},
    { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) },
  );
  let polls = 0;
  let failure: Error | undefined;
  const loop = new SourceLoop({
    name: "jobs",
    poll: () => {
      polls += 1;
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
    everyMs: () => 5_000,
    maxBackoffMs: 300_000,
    clock,
    log,
    random: () => 0,
  });
  const advance = async (ms: number) => {
    clock.advance(ms);
    await turn();
  };
  loop.start();
  await turn();
  assert.equal(polls, 1);
  failure = new SourceError("upstream_unreachable", "down", { retryAfterMs: 0 });
  await advance(5_000);
  assert.equal(loop.status.failure, "down");
  await advance(5_000);
  await advance(5_000);
  assert.equal(polls, 3);
  failure = undefined;
  await advance(5_000);
  assert.deepEqual(
    [polls, loop.status.readings, loop.status.failures, loop.status.failure],
    [4, 2, 2, undefined],
  );
  assert.deepEqual(lines, ["poll.failed", "poll.failed", "poll.recovered"]);
  await loop.stop();
  assert.equal(clock.armed, 0);
});
