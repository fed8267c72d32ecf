import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Sequence } from "./sequence.ts";

test("sequence - what comes in order or again has no hole before it, what is not the next has", () => {
  const sequence = new Sequence("j", 4);
  assert.equal(sequence.take(5, 5), 5);
  assert.equal(sequence.take(6, 8), 6);
  assert.equal(sequence.take(5, 5), 5);
  assert.equal(sequence.take(11, 11), 9);
  assert.equal(sequence.take(12, 12), 12);
  // It could not be stored and comes again.
  assert.equal(sequence.take(11, 11), 9);
  sequence.stored(11);
  assert.equal(sequence.take(11, 11), 11);
});

test("sequence - whatever is stored or comes again, holes are found just where positions were left out", () => {
  const steps = fc.array(fc.record({ skip: fc.constantFrom(0, 0, 0, 1, 3), isStored: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const sequence = new Sequence("j", 0);
      /** Where each position begins, its hole included, of those that are not stored. */
      const waiting = new Map<number, number>();
      let last = 0;
      for (const { skip, isStored } of all) {
        const [from, position] = [last + 1, last + 1 + skip];
        last = position;
        assert.equal(sequence.take(position, position), from);
        if (isStored && waiting.size === 0) sequence.stored(position);
        else waiting.set(position, from);
        if (!isStored) continue;
        for (const [again, begin] of waiting) {
          assert.equal(sequence.take(again, again), begin);
          sequence.stored(again);
        }
        waiting.clear();
      }
    }),
  );
});
