import assert from "node:assert/strict";
import { test } from "node:test";
import { Passwords } from "./passwords.ts";

const cheap = { maxAtOnce: 2, maxWaiting: 100, cost: { memoryKiB: 64, passes: 1 } };

test("passwords - are kept as argon2id with a salt of their own", async () => {
  const passwords = new Passwords({ maxAtOnce: 2, maxWaiting: 10 });
  const [hash, other] = await Promise.all([
    passwords.hash("pässword of a test"),
    passwords.hash("pässword of a test"),
  ]);
  assert.match(hash, /^\$argon2id\$v=19\$m=32768,t=3,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.notEqual(hash, other);
  assert.equal(await passwords.matches("pässword of a test", hash), true);
  assert.equal(await passwords.matches("pa\u0308ssword of a test", hash), true, "however it was typed");
  assert.equal(await passwords.matches("pässword of a tesT", hash), false);
});

test("passwords - read a hash of an earlier cost, and match nothing for a user who does not exist", async () => {
  const earlier = await new Passwords({ ...cheap, cost: { memoryKiB: 8, passes: 2 } }).hash("a password");
  const passwords = new Passwords(cheap);
  assert.equal(await passwords.matches("a password", earlier), true);
  assert.equal(await passwords.matches("a password", undefined), false);
});

test("passwords - are computed only so many at a time, and one too many is refused", async () => {
  const passwords = new Passwords({ ...cheap, maxAtOnce: 1, maxWaiting: 2 });
  const three = [1, 2, 3].map(() => passwords.hash("a password"));
  await assert.rejects(passwords.hash("a password"), { code: "throttled", retryAfterS: 1 });
  assert.equal(new Set(await Promise.all(three)).size, 3);
  await passwords.hash("a password");
});
