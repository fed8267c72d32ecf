import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { drainMoments, drainWindowMs } from "./drain.ts";

test("drain - however many primaries go, no tenth of the window sees more than three times its share of them", () => {
  const limits = { drainWindowMs: 5_000, drainPerPrimaryMs: 10 };
  fc.assert(
    fc.property(
      fc.integer({ min: 21, max: 3_000 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
        minLength: 1,
        maxLength: 50,
      }),
      (count, draws) => {
        const windowMs = drainWindowMs(count, limits);
        let drawn = 0;
        const moments = drainMoments(count, windowMs, () => draws[drawn++ % draws.length] ?? 0);
        assert.equal(moments.length, count);
        const buckets = Array.from({ length: 10 }, () => 0);
        for (const moment of moments) {
          // A draw next to 1 is rounded up to the end of its slot.
          assert.ok(moment >= 0 && moment <= windowMs);
          const bucket = Math.min(9, Math.floor((moment / windowMs) * 10));
          buckets[bucket] = (buckets[bucket] ?? 0) + 1;
        }
        assert.ok(Math.max(...buckets) <= (3 * count) / 10, buckets.join(" "));
      },
    ),
  );
});

test("drain - a few go at once, and many within the window at most", () => {
  const limits = { drainWindowMs: 5_000, drainPerPrimaryMs: 10 };
  assert.deepEqual(
    [1, 20, 21, 5_000].map((count) => drainWindowMs(count, limits)),
    [0, 0, 210, 5_000],
  );
});
