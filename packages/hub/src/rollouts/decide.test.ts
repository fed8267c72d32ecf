import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RolloutWindow } from "../api/rollouts-schemas.ts";
import { rolloutTargetStates } from "./rollout-states.ts";
import { decide, type RolloutRules, type RolloutStanding, type TargetCounts } from "./decide.ts";
import { windowAt } from "./windows.ts";

/** A Tuesday. */
const nowMs = Date.parse("2026-11-24T12:00:00Z");
const minuteMs = 60_000;
const rules: RolloutRules = { ratePerMinute: 60, maxRunning: 10, windows: [], abortWhen: null };
const counts = (some: Partial<TargetCounts>): TargetCounts => ({
  ...(Object.fromEntries(rolloutTargetStates.map((state) => [state, 0])) as TargetCounts),
  ...some,
});
const abortWhen = { failedPercent: 20, afterEnded: 10 };
const night: RolloutWindow[] = [{ start: "22:00", end: "02:00" }];

/** What a decision says, with the moment of the next start after all of them. */
function told(standing: Partial<RolloutStanding> & { rules?: RolloutRules }, some: Partial<TargetCounts>) {
  const decision = decide({ state: "running", rules, nextStartAtMs: null, ...standing }, counts(some), nowMs);
  if (decision.act !== "start") return decision;
  const { count, nextStartAtMs, closesAtMs } = decision;
  return { act: "start", count, nextMs: nextStartAtMs(count) - nowMs, closesAtMs };
}

const wait = (why: string, untilMs: number | null = null) => ({ act: "wait", untilMs, why });
const start = (count: number, nextMs: number, closesAtMs: number | null = null) => ({
  act: "start",
  count,
  nextMs,
  closesAtMs,
});

for (const [title, standing, some, expected] of [
  ["the first starts at once", {}, { waiting: 5 }, start(1, 1_000)],
  ["the next waits for the rate", { nextStartAtMs: nowMs + 400 }, { waiting: 5 }, wait("rate", nowMs + 400)],
  ["and starts when its time has come", { nextStartAtMs: nowMs }, { waiting: 5 }, start(1, 1_000)],
  [
    "what a busy hub missed is caught up to a second's worth, not more",
    { nextStartAtMs: nowMs - 600_000, rules: { ...rules, ratePerMinute: 600 } },
    { waiting: 50 },
    start(10, 0),
  ],
  [
    "a clock that was set back stops it for one pause at most",
    { nextStartAtMs: nowMs + 3_600_000 },
    { waiting: 5 },
    wait("rate", nowMs + 1_000),
  ],
  ["no more than there is room for", {}, { waiting: 5, started: 10 }, wait("running")],
  [
    "room for two, though the rate allows more",
    { nextStartAtMs: 0, rules: { ...rules, ratePerMinute: 1_000 } },
    { waiting: 5, started: 8 },
    start(2, -880),
  ],
  [
    "no more than wait",
    { nextStartAtMs: 0, rules: { ...rules, ratePerMinute: 1_000 } },
    { waiting: 1 },
    start(1, -940),
  ],
  ["all are started: their ends are waited for", {}, { started: 3, done: 7 }, wait("running")],
  ["all have ended", {}, { done: 7, failed: 3 }, { act: "finish" }],
  ["paused: nothing starts", { state: "paused" }, { waiting: 1 }, wait("paused")],
  [
    "paused with nothing left to start: it ends like a running one",
    { state: "paused" },
    { done: 1 },
    { act: "finish" },
  ],
  ["aborted: nothing any more", { state: "aborted" }, { skipped: 9, started: 1 }, wait("over")],
  ["finished: nothing any more", { state: "finished" }, { done: 9 }, wait("over")],
  [
    "before its window",
    { rules: { ...rules, windows: night } },
    { waiting: 1 },
    wait("window", Date.parse("2026-11-24T22:00:00Z")),
  ],
  [
    "within its window: commands end with it",
    { rules: { ...rules, windows: [{ start: "11:30", end: "12:30" }] } },
    { waiting: 1 },
    start(1, 1_000, Date.parse("2026-11-24T12:30:00Z")),
  ],
  [
    "too few have ended to judge",
    { rules: { ...rules, abortWhen } },
    { waiting: 5, failed: 9 },
    start(1, 1_000),
  ],
  [
    "fewer have failed than abort it",
    { rules: { ...rules, abortWhen } },
    { waiting: 5, failed: 1, done: 9 },
    start(1, 1_000),
  ],
  [
    "so many have failed that it aborts, whatever waits or runs",
    { rules: { ...rules, abortWhen, windows: night } },
    { waiting: 5, started: 10, refused: 1, expired: 1, done: 8 },
    { act: "abort", reason: "2 of 10 that ended have failed, which is 20 % or more" },
  ],
  [
    "what was taken back, or is held on premises, has not failed",
    { rules: { ...rules, abortWhen } },
    { waiting: 5, cancelled: 9, held: 9 },
    start(1, 1_000),
  ],
  [
    "the last ones failed: aborted, not finished",
    { rules: { ...rules, abortWhen } },
    { unknown: 10 },
    { act: "abort", reason: "10 of 10 that ended have failed, which is 20 % or more" },
  ],
] as const) {
  test(`rollout decision - ${title}`, () => {
    assert.deepEqual(told(standing, some), expected);
  });
}

const windowCases: [title: string, windows: RolloutWindow[], at: string, expected: string][] = [
  ["over midnight, before it", night, "2026-11-24T23:00:00Z", "2026-11-25T02:00:00Z"],
  ["over midnight, after it", night, "2026-11-25T01:59:59Z", "2026-11-25T02:00:00Z"],
  ["its end belongs to it no more", night, "2026-11-25T02:00:00Z", "opens 2026-11-25T22:00:00Z"],
  ["its beginning belongs to it", night, "2026-11-25T22:00:00Z", "2026-11-26T02:00:00Z"],
  [
    "a weekday is that of the beginning",
    [{ start: "22:00", end: "02:00", weekdays: ["sat"] }],
    "2026-11-29T01:00:00Z",
    "2026-11-29T02:00:00Z",
  ],
  [
    "next week",
    [{ start: "08:00", end: "09:00", weekdays: ["tue"] }],
    "2026-11-24T09:00:00Z",
    "opens 2026-12-01T08:00:00Z",
  ],
  [
    "two that touch are one",
    [
      { start: "12:00", end: "14:00" },
      { start: "10:00", end: "12:00" },
    ],
    "2026-11-24T11:00:00Z",
    "2026-11-24T14:00:00Z",
  ],
  [
    "the whole day, every day, never closes",
    [{ start: "06:00", end: "06:00" }],
    "2026-11-24T06:00:00Z",
    "never",
  ],
  [
    "the whole of one day",
    [{ start: "00:00", end: "00:00", weekdays: ["wed"] }],
    "2026-11-25T12:00:00Z",
    "2026-11-26T00:00:00Z",
  ],
];
for (const [title, windows, at, expected] of windowCases) {
  test(`rollout window - ${title}`, () => {
    const found = windowAt(windows, Date.parse(at));
    const iso = (ms: number) => new Date(ms).toISOString().replace(".000", "");
    const text = found.isOpen
      ? found.closesAtMs === null
        ? "never"
        : iso(found.closesAtMs)
      : `opens ${iso(found.opensAtMs)}`;
    assert.equal(text, expected);
  });
}

/** A fleet of 1,000 that does what it is told, each after a time of its own and some failing, looked at as the runner does. */
function simulate(input: {
  ratePerMinute: number;
  maxRunning: number;
  failing: number;
  seconds: number;
  abortPercent: number;
  windowed: boolean;
}) {
  const windows = input.windowed ? [{ start: "11:00", end: "13:00" }] : [];
  const abortWhen = { failedPercent: input.abortPercent, afterEnded: 50 };
  const rollout: RolloutStanding = {
    state: "running",
    rules: { ratePerMinute: input.ratePerMinute, maxRunning: input.maxRunning, windows, abortWhen },
    nextStartAtMs: null,
  };
  const state = { waiting: 1_000, started: 0, done: 0, failed: 0 };
  const running: { endsAtMs: number; fails: boolean }[] = [];
  const startedAt: number[] = [];
  let atMs = nowMs;
  for (let looks = 0; looks < 1_000_000; looks += 1) {
    for (const one of running.filter(({ endsAtMs }) => endsAtMs <= atMs)) {
      running.splice(running.indexOf(one), 1);
      state.started -= 1;
      state[one.fails ? "failed" : "done"] += 1;
    }
    const decision = decide(rollout, counts(state), atMs);
    if (decision.act === "abort" || decision.act === "finish") return { decision, state, startedAt, rollout };
    if (decision.act === "start") {
      for (let n = 0; n < decision.count; n += 1) {
        const index = startedAt.push(atMs) - 1;
        // Each seventh takes five times as long; failures are spread over all.
        const ms = input.seconds * 1_000 * (index % 7 === 0 ? 5 : 1);
        running.push({ endsAtMs: atMs + ms, fails: (index * 37) % 100 < input.failing });
        state.waiting -= 1;
        state.started += 1;
      }
      rollout.nextStartAtMs = decision.nextStartAtMs(decision.count);
      continue;
    }
    const firstEnd = Math.min(...running.map(({ endsAtMs }) => endsAtMs));
    const nextMs = Math.ceil(Math.min(firstEnd, decision.untilMs ?? Infinity));
    assert.ok(
      Number.isFinite(nextMs) && nextMs > atMs,
      `nothing would ever wake it: ${JSON.stringify(decision)}`,
    );
    atMs = nextMs;
  }
  throw new Error("a rollout without an end");
}

test("rollout decision - of 1,000 targets each starts once, within rate, room and window, until all have ended or too many failed", () => {
  fc.assert(
    fc.property(
      fc.record({
        ratePerMinute: fc.constantFrom(1, 7, 60, 333, 1_000),
        maxRunning: fc.integer({ min: 1, max: 200 }),
        failing: fc.integer({ min: 0, max: 100 }),
        seconds: fc.integer({ min: 1, max: 30 }),
        abortPercent: fc.integer({ min: 1, max: 100 }),
        windowed: fc.boolean(),
      }),
      (input) => {
        const { decision, state, startedAt, rollout } = simulate(input);
        const { ratePerMinute, maxRunning, failing, abortPercent } = input;
        assert.ok(startedAt.length <= 1_000 && state.started <= maxRunning);
        assert.ok(startedAt.every((ms) => windowAt(rollout.rules.windows, ms).isOpen));
        // In no minute more than the rate, and a second's worth that may be caught up.
        const most = ratePerMinute + Math.ceil(ratePerMinute / 60) + 1;
        for (const [index, ms] of startedAt.entries()) {
          const later = startedAt[index + most];
          assert.ok(later === undefined || later - ms >= minuteMs, `${most + 1} starts within a minute`);
        }
        const ended = state.done + state.failed;
        if (decision.act === "finish") {
          assert.deepEqual([state.waiting, state.started, ended], [0, 0, 1_000]);
          assert.ok(state.failed * 100 < abortPercent * ended);
        } else {
          assert.ok(ended >= 50 && state.failed * 100 >= abortPercent * ended);
        }
        // With a margin for which of them happened to end first.
        if (failing > abortPercent + 20) assert.equal(decision.act, "abort");
        if (failing === 0) assert.equal(decision.act, "finish");
      },
    ),
    { numRuns: 60 },
  );
});
