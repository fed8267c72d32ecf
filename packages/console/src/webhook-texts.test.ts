import assert from "node:assert/strict";
import { test } from "node:test";
import { backlogText, webhookName, wishText } from "./webhook-texts.ts";

const none = { types: [], primaries: [], labels: {} };

test("webhook texts - the name is what it is for, or else the receiver's host, never a path that may be a secret", () => {
  const url = "https://ops.example:8443/hooks/secret";
  assert.equal(webhookName({ url, description: "pager" }), "pager");
  assert.equal(webhookName({ url, description: " " }), "ops.example:8443");
});

test("webhook texts - a wish says which events of which primaries", () => {
  assert.equal(wishText(none), "all events");
  assert.equal(wishText({ ...none, types: ["netbackup.job", "sallyport."] }), "netbackup.job, sallyport.");
  assert.equal(wishText({ ...none, labels: { site: "vienna" } }), "all events of site=vienna");
  assert.equal(
    wishText({ types: ["netbackup.job"], primaries: ["1", "2"], labels: { site: "vienna" } }),
    "netbackup.job of site=vienna among 2 primaries",
  );
});

test("webhook texts - a backlog that is not counted to its end is not said to be exact", () => {
  assert.deepEqual([backlogText(0), backlogText(9_999), backlogText(10_000)], ["0", "9999", "10000 or more"]);
});
