import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  chooseStep,
  preferredTo,
  type Candidate,
  type FailBack,
  type GroupView,
  type Step,
} from "./choice.ts";

const up = 10 * 60_000;
const one: Candidate = { hostName: "one", priority: 1, reachableForMs: up };
const two: Candidate = { hostName: "two", priority: 2, reachableForMs: up };
const never: FailBack = { mode: "never" };
const base: GroupView = { candidates: [two, one], connectedTo: "two", isIdle: true, failBack: never };
const move: Step = { kind: "move", to: "one" };
const stay: Step = { kind: "stay" };

const table: [title: string, view: Partial<GroupView>, step: Step][] = [
  ["dials in order of priority", { connectedTo: undefined }, { kind: "dial", order: ["one", "two"] }],
  [
    "dials the one that went silent last",
    { connectedTo: undefined, candidates: [{ ...one, suspect: true }, two] },
    { kind: "dial", order: ["two", "one"] },
  ],
  ["has nothing to dial", { connectedTo: undefined, candidates: [] }, { kind: "dial", order: [] }],
  ["leaves an endpoint that was deactivated", { candidates: [one] }, { kind: "leave" }],
  ["never fails back unless told to", {}, stay],
  ["fails back now", { failBack: { mode: "now" }, isIdle: false }, move],
  ["fails back when idle", { failBack: { mode: "when-idle" } }, move],
  ["does not fail back while busy", { failBack: { mode: "when-idle" }, isIdle: false }, stay],
  ["fails back after ten stable minutes", { failBack: { mode: "after-stable", minutes: 10 } }, move],
  ["does not fail back after ten of eleven", { failBack: { mode: "after-stable", minutes: 11 } }, stay],
  [
    "does not fail back to what can't be reached",
    { failBack: { mode: "now" }, candidates: [{ ...one, reachableForMs: undefined }, two] },
    stay,
  ],
  [
    "does not fail back to where that has come to nothing",
    { failBack: { mode: "now" }, candidates: [{ ...one, suspect: true }, two] },
    stay,
  ],
  [
    "does not move to one of the same priority",
    { failBack: { mode: "now" }, candidates: [{ ...one, priority: 2 }, two] },
    stay,
  ],
  ["stays at the preferred one", { failBack: { mode: "now" }, connectedTo: "one" }, stay],
];
for (const [title, view, step] of table) {
  test(`choice - ${title}`, () => assert.deepEqual(chooseStep({ ...base, ...view }), step));
}

const failBacks = fc.oneof(
  fc.constantFrom<FailBack>({ mode: "never" }, { mode: "when-idle" }, { mode: "now" }),
  fc.record({ mode: fc.constant("after-stable" as const), minutes: fc.nat(60) }),
);
const candidates = fc.uniqueArray(
  fc.record({
    hostName: fc.stringMatching(/^[a-h]$/),
    priority: fc.nat(4),
    reachableForMs: fc.option(fc.nat(4_000_000), { nil: undefined }),
    suspect: fc.boolean(),
  }),
  { selector: ({ hostName }) => hostName, maxLength: 8 },
);
const views = fc.record({
  candidates,
  connectedTo: fc.option(fc.stringMatching(/^[a-h]$/), { nil: undefined }),
  isIdle: fc.boolean(),
  failBack: failBacks,
});

test("choice - never moves to an endpoint that is not there, not preferred, or not reachable; never at all by default", () => {
  fc.assert(
    fc.property(views, (view) => {
      const step = chooseStep(view);
      if (step.kind !== "move") return;
      const to = view.candidates.find(({ hostName }) => hostName === step.to);
      const from = view.candidates.find(({ hostName }) => hostName === view.connectedTo);
      assert.ok(to !== undefined && from !== undefined && to.priority < from.priority);
      assert.ok(to.reachableForMs !== undefined && !to.suspect);
      assert.notEqual(view.failBack.mode, "never");
      if (view.failBack.mode === "when-idle") assert.ok(view.isIdle);
    }),
  );
});

test("choice - dials every candidate once, only without a connection, and in an order that the input's does not change", () => {
  fc.assert(
    fc.property(views, fc.nat(), (view, seed) => {
      const step = chooseStep(view);
      assert.equal(step.kind === "dial", view.connectedTo === undefined);
      if (step.kind !== "dial") return;
      assert.deepEqual(step.order.toSorted(), view.candidates.map(({ hostName }) => hostName).toSorted());
      const turned = [...view.candidates.slice(seed % 8), ...view.candidates.slice(0, seed % 8)];
      assert.deepEqual(chooseStep({ ...view, candidates: turned }), step);
    }),
  );
});

test("choice - moving on and on ends, at an endpoint that none is preferred to and reachable", () => {
  fc.assert(
    fc.property(candidates, (all) => {
      let connectedTo = all.at(-1)?.hostName;
      for (let moves = 0; connectedTo !== undefined; moves += 1) {
        assert.ok(moves <= all.length);
        const step = chooseStep({ candidates: all, connectedTo, isIdle: true, failBack: { mode: "now" } });
        if (step.kind !== "move") break;
        connectedTo = step.to;
      }
      for (const { reachableForMs, suspect } of preferredTo(all, connectedTo ?? "")) {
        assert.ok(reachableForMs === undefined || suspect === true);
      }
    }),
  );
});
