import assert from "node:assert/strict";
import { test } from "node:test";
import { Lane, newReceiver } from "./lane.ts";
import { Turns } from "./turns.ts";

function lane(id: string, isStrained: boolean): Lane {
  const webhook = {
    id,
    url: "https://receiver.example/",
    description: "",
    types: [],
    primaries: [],
    labels: {},
    enabled: true,
    disabledReason: null,
    createdAt: "",
    position: 1,
  };
  const filter = { types: [], sources: undefined, since: undefined, until: undefined };
  const made = new Lane(webhook, filter, { ...newReceiver, failures: isStrained ? 1 : 0 });
  made.isSlow = false;
  return made;
}

/** The next ones, each put back at the end of its queue, as one with more to send is. */
function sequence(turns: Turns, count: number, hasRoom: boolean): string[] {
  return Array.from({ length: count }, () => {
    const next = turns.next(hasRoom);
    if (next !== undefined) turns.add(next);
    return next?.id ?? "none";
  });
}

test("turns - webhooks take turns, whoever has how much to send", () => {
  const turns = new Turns();
  for (const id of ["a", "b", "c"]) turns.add(lane(id, false));
  assert.deepEqual(sequence(turns, 6, true), ["a", "b", "c", "a", "b", "c"]);
});

test("turns - those that are slow or fail never hold up the others, nor the others them", () => {
  const turns = new Turns();
  for (const id of ["x", "y", "z"]) turns.add(lane(id, true));
  turns.add(lane("a", false));
  assert.deepEqual(sequence(turns, 6, true), ["x", "a", "y", "a", "z", "a"]);
  assert.deepEqual(sequence(turns, 3, false), ["a", "a", "a"]);
});

test("turns - one that has changed its state waits in one queue only", () => {
  const turns = new Turns();
  const changing = lane("a", false);
  turns.add(changing);
  changing.isSlow = true;
  turns.add(changing);
  assert.equal(turns.next(true), changing);
  assert.equal(turns.next(true), undefined);
});
