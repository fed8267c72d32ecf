import assert from "node:assert/strict";
import test from "node:test";
import { limits } from "../limits.ts";
import { LoginThrottle } from "./login-throttle.ts";

test("login throttle - makes a key wait after too many tries, until the window has passed", () => {
  const throttle = new LoginThrottle();
  for (let tries = 0; tries < limits.maxFailedLogins; tries += 1) {
    assert.equal(throttle.waitMs("a", 1000), 0);
    throttle.count("a", 1000);
  }
  assert.equal(throttle.waitMs("a", 1000), limits.failedLoginWindowMs);
  assert.equal(throttle.waitMs("b", 1000), 0);
  assert.equal(throttle.waitMs("a", 1000 + limits.failedLoginWindowMs), 0);
  throttle.succeed("a");
  assert.equal(throttle.waitMs("a", 1000), 0);
});
