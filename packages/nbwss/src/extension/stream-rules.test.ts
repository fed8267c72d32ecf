import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { maxCreditBytes } from "./frame.ts";
import {
  initialCreditBytes,
  initialStream,
  nextStream,
  type StreamEffect,
  type StreamEvent,
  type StreamState,
} from "./stream-rules.ts";

const maxWindow = 1024 * 1024;

function run(
  role: StreamState["role"],
  events: StreamEvent[],
): { state: StreamState; effects: StreamEffect[] } {
  let state = initialStream(role);
  const all: StreamEffect[] = [];
  for (const event of events) {
    const [next, effects] = nextStream(state, event, maxWindow);
    state = next;
    all.push(...effects);
  }
  return { state, effects: all };
}

const head = (kind: "head-sent" | "head-came", end: boolean, bytes = 0): StreamEvent => ({
  kind,
  end,
  bytes,
});
const data = (kind: "data-sent" | "data-came", end: boolean, bytes: number): StreamEvent => ({
  kind,
  end,
  bytes,
});

const cases: [
  what: string,
  role: StreamState["role"],
  events: StreamEvent[],
  effects: StreamEffect["kind"][],
][] = [
  [
    "a whole command and a whole answer end it",
    "opener",
    [head("head-sent", true), head("head-came", true, 10)],
    ["finish"],
  ],
  [
    "the same for who answers",
    "answerer",
    [head("head-came", true, 10), head("head-sent", true)],
    ["finish"],
  ],
  [
    "an answer that is whole before the request ends the request",
    "opener",
    [head("head-sent", false), data("data-sent", false, 10), head("head-came", true)],
    ["abandon-request", "finish"],
  ],
  [
    "an answer may leave before the request is whole",
    "answerer",
    [head("head-came", false), head("head-sent", false), data("data-sent", true, 1)],
    ["finish"],
  ],
  [
    "a second head is a violation",
    "opener",
    [head("head-sent", true), head("head-came", false), head("head-came", true)],
    ["violation"],
  ],
  [
    "data before the head is a violation",
    "opener",
    [head("head-sent", true), data("data-came", false, 1)],
    ["violation"],
  ],
  [
    "data after END is a violation",
    "answerer",
    [head("head-came", true), data("data-came", false, 1)],
    ["violation"],
  ],
  [
    "more than there is credit for is a violation",
    "answerer",
    [head("head-came", false, initialCreditBytes), data("data-came", false, 1)],
    ["violation"],
  ],
  [
    "too much credit is a violation",
    "opener",
    [head("head-sent", false), { kind: "credit-came", bytes: maxCreditBytes }],
    ["violation"],
  ],
  [
    "credit for what was sent to its end is nothing",
    "opener",
    [head("head-sent", true), { kind: "credit-came", bytes: maxCreditBytes }],
    [],
  ],
  [
    "a reader that keeps up gets a larger window",
    "answerer",
    [head("head-came", false, 65_536), { kind: "consumed", bytes: 65_536 }],
    ["grant"],
  ],
  [
    "a reader that takes little gives little leave",
    "answerer",
    [head("head-came", false, 65_536), { kind: "consumed", bytes: 1_000 }],
    [],
  ],
];
for (const [what, role, events, expected] of cases) {
  test(`stream rules - ${what}`, () => {
    assert.deepEqual(
      run(role, events).effects.map(({ kind }) => kind),
      expected,
    );
  });
}

test("stream rules - whatever a reader does, what is held and may come is within its window, and an honest peer breaks no rule", () => {
  const reading = fc.array(fc.record({ send: fc.nat({ max: 200_000 }), read: fc.nat({ max: 300_000 }) }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(reading, (turns) => {
      let [state] = nextStream(initialStream("answerer"), head("head-came", false), maxWindow);
      for (const { send, read } of turns) {
        const bytes = Math.min(send, state.granted);
        let effects: StreamEffect[];
        [state, effects] = nextStream(state, data("data-came", false, bytes), maxWindow);
        assert.deepEqual(effects, []);
        [state, effects] = nextStream(
          state,
          { kind: "consumed", bytes: Math.min(read, state.held) },
          maxWindow,
        );
        assert.ok(state.held + state.granted <= state.window && state.window <= maxWindow);
        // It never comes to a standstill: a reader that has taken all has given leave to go on.
        if (state.held === 0) assert.ok(state.granted >= initialCreditBytes / 2);
      }
    }),
  );
});
