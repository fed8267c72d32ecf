import assert from "node:assert/strict";
import { test } from "node:test";
import { Remembered } from "./remembered.ts";

function counted() {
  const asked: string[] = [];
  const read = (key: string) => {
    asked.push(key);
    return key === "none" ? undefined : { key };
  };
  return { asked, read };
}

test("remembered - reads a record once, and again when it was forgotten", () => {
  const { asked, read } = counted();
  const remembered = new Remembered<{ key: string }>(10);
  assert.equal(remembered.get("a", read), remembered.get("a", read));
  assert.deepEqual(asked, ["a"]);
  remembered.forget("a");
  assert.deepEqual(remembered.get("a", read), { key: "a" });
  remembered.forgetAll();
  remembered.get("a", read);
  assert.deepEqual(asked, ["a", "a", "a"]);
});

test("remembered - asks each time for what there is not", () => {
  const { asked, read } = counted();
  const remembered = new Remembered<{ key: string }>(10);
  assert.equal(remembered.get("none", read), undefined);
  assert.equal(remembered.get("none", read), undefined);
  assert.deepEqual(asked, ["none", "none"]);
});

test("remembered - holds no more than its bound, the oldest goes", () => {
  const { asked, read } = counted();
  const remembered = new Remembered<{ key: string }>(2);
  for (const key of ["a", "b", "c", "b", "c", "a"]) remembered.get(key, read);
  assert.deepEqual(asked, ["a", "b", "c", "a"]);
});
