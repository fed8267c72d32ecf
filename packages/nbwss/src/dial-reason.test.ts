import assert from "node:assert/strict";
import { test } from "node:test";
import { dialReason } from "./dial-reason.ts";

test("dialReason - an authority that is not known names the option, without Node's own advice", () => {
  const error = Object.assign(new Error("unable to verify; try running Node.js with --use-system-ca"), {
    code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  });
  assert.doesNotMatch(dialReason(error), /Node|--/);
  assert.match(dialReason(error, "--ca"), /with --ca$/);
});

test("dialReason - anything else in its own words, or by its code where it has none", () => {
  assert.equal(dialReason(new Error("connect ECONNREFUSED 127.0.0.1:1")), "connect ECONNREFUSED 127.0.0.1:1");
  assert.equal(dialReason(Object.assign(new Error(""), { code: "ECONNREFUSED" })), "ECONNREFUSED");
});
