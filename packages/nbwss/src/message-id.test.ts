import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { newOrderedId } from "./message-id.ts";

test("ordered id - is a UUID of version 7 with the time in front", () => {
  const id = newOrderedId(0x0190_1234_5678);
  assert.match(id, /^01901234-5678-7000-/);
  assert.ok(z.uuid({ version: "v7" }).safeParse(id).success, id);
});

test("ordered id - sorts after all before it, many in a millisecond and when the clock goes back", () => {
  const nowMs = 8e12;
  const ids = Array.from({ length: 10_000 }, () => newOrderedId(nowMs));
  ids.push(newOrderedId(nowMs - 5_000), newOrderedId(nowMs + 1), newOrderedId(nowMs + 60_000));
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});
