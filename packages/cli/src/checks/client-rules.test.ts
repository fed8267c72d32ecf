import assert from "node:assert/strict";
import { test } from "node:test";
import { primariesCheck, versionCheck } from "./client-rules.ts";

const counts = { total: 4, connected: 4, stale: 0, disconnected: 0, never: 0 };
const away = (name: string, closeCode: number | null, closeReason: string | null) => ({
  id: name,
  name,
  connection: { state: "disconnected", closeCode, closeReason },
});

test("primaries - some away are a warning, all away a failure", () => {
  assert.equal(primariesCheck({ ...counts, total: 0, connected: 0 }, []).state, "pass");
  assert.equal(primariesCheck(counts, []).state, "pass");
  assert.equal(primariesCheck({ ...counts, connected: 3, stale: 1 }, []).state, "warn");
  assert.equal(primariesCheck({ ...counts, connected: 3, never: 1 }, []).state, "warn");
  assert.equal(primariesCheck({ ...counts, connected: 0, disconnected: 4 }, []).state, "fail");
});

test("primaries - the commonest close reasons are named with how often they are", () => {
  const { found, todo } = primariesCheck({ ...counts, connected: 1, disconnected: 3 }, [
    away("a", 1006, null),
    away("b", 4001, "token expired"),
    away("c", 4001, "token expired"),
    away("d", null, null),
  ]);
  assert.match(found, /^1 of 4 connected, 0 stale, 3 disconnected, 0 never connected; /);
  assert.match(found, /last closes: 2 × 4001 token expired, 1 × 1006, 1 × no code$/);
  assert.match(todo ?? "", /\(a, b, c, …\)/);
});

test("hub version - another API, or no hub, fails", () => {
  const answer = (title: string, version: string) => JSON.stringify({ info: { title, version } });
  assert.equal(versionCheck({ status: 200, text: answer("Sallyport hub", "1") }).state, "pass");
  assert.match(versionCheck({ status: 200, text: answer("Sallyport hub", "2") }).found, /version 2/);
  for (const text of [answer("Petstore", "1"), "<html>", "null", "{}"]) {
    assert.match(versionCheck({ status: 200, text }).found, /does not describe a hub/, text);
  }
});
