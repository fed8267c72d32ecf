import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "@sallyport/durable";
import type { Command } from "@sallyport/nbwss";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { exceededBudget } from "./budgets.ts";
import { effectsOf } from "./effects.ts";
import { readRequest } from "./guarded-request.ts";
import type { GuardBudget } from "./rules.ts";
import { SpendingStore } from "./spending-store.ts";

const budget = (name: string, more: Partial<GuardBudget> = {}): GuardBudget => ({
  name,
  kind: "imagesExpired",
  most: 3,
  hours: 1,
  beyond: "hold",
  ...more,
});

test("budget - covers what fits, no more, and never what can't be told", () => {
  const name = (spending: object, spent: number, budgets = [budget("b")]) =>
    exceededBudget(budgets, spending, "g", () => spent)?.budget.name;
  assert.equal(name({ imagesExpired: 1 }, 2), undefined);
  assert.equal(name({ imagesExpired: 1 }, 3), "b");
  assert.equal(name({ imagesExpired: 2 }, 2), "b");
  assert.equal(name({ imagesExpired: "unknown" }, 0), "b");
  assert.equal(name({ policiesChanged: 9 }, 9), undefined);
  assert.equal(name({ imagesExpired: 9 }, 9, [budget("other", { groups: ["h"] })]), undefined);
  const both = [budget("held"), budget("denied", { beyond: "deny" })];
  assert.equal(name({ imagesExpired: 9 }, 0, both), "denied");
});

const does: [what: string, body: string | undefined, effects: object][] = [
  ["GET /netbackup/catalog/images/x", undefined, {}],
  ["DELETE /netbackup/catalog/images/x", undefined, { imagesExpired: 1 }],
  ["DELETE /netbackup/Catalog/Images/x", undefined, { imagesExpired: 1 }],
  [
    "POST /netbackup/catalog/images/update-expiration-date",
    '{"data":{"type":"byBackupId"}}',
    { imagesExpired: 1 },
  ],
  [
    "POST /netbackup/catalog/images/update-expiration-date",
    '{"data":{"type":"byServerName"}}',
    { imagesExpired: "unknown" },
  ],
  [
    "POST /netbackup/catalog/images/update-expiration-date",
    '{"data":{"type":"byServerName","type":"byBackupId"}}',
    { imagesExpired: "unknown" },
  ],
  ["POST /netbackup/catalog/images/update-expiration-date", "{", { imagesExpired: "unknown" }],
  ["POST /netbackup/catalog/expire-images", undefined, { imagesExpired: "unknown" }],
  ["POST /netbackup/catalog/verify-images", undefined, {}],
  ["PUT /netbackup/config/policies/a", undefined, { policiesChanged: 1 }],
  ["DELETE /netbackup/config/policies/bulk-policy-requests/1", undefined, { policiesChanged: "unknown" }],
  ["POST /netbackup/admin/jobs/1/cancel", undefined, { jobsCancelled: 1 }],
  ["PATCH /netbackup/admin/bulk-job-requests", undefined, { jobsCancelled: "unknown" }],
  ["POST /netbackup/recovery/workloads/vmware/x/recover", undefined, { bytesRestored: "measure" }],
  ["POST /netbackup/admin/manual-backup", undefined, {}],
];
for (const [what, body, effects] of does) {
  test(`budget - counts ${what} ${body ?? ""} as ${JSON.stringify(effects)}`, () => {
    const [method, uri = ""] = what.split(" ");
    const command: Command = { method: method as Command["method"], uri, headers: {}, parameters: body };
    const { request } = readRequest(command, "g", 8192);
    assert.ok(request !== undefined);
    assert.deepEqual(effectsOf(request), effects);
  });
}

test("budget - what was spent is known after a restart, by group, and forgotten by the hour", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "db");
  const minute = 60_000;
  const nowMs = 1_000 * minute;
  {
    using database = openDatabase({ path, migrations: [] });
    const store = new SpendingStore(database);
    store.spend({ imagesExpired: 2, bytesRestored: 5_000_000_000 }, "a", nowMs);
    store.spend({ imagesExpired: 1 }, "b", nowMs + 30 * minute);
    store.spend({ imagesExpired: 1 }, "b", nowMs + 30 * minute, -1);
    store.spend({ imagesExpired: 4 }, "b", nowMs + 30 * minute);
  }
  using database = openDatabase({ path, migrations: [] });
  const store = new SpendingStore(database);
  const spent = (hours: number, groups: string[] | undefined, atMs: number) =>
    store.spent("imagesExpired", hours, groups, atMs);
  assert.equal(spent(1, undefined, nowMs + 40 * minute), 6);
  assert.equal(spent(1, ["a"], nowMs + 40 * minute), 2);
  assert.equal(spent(1, undefined, nowMs + 61 * minute), 4);
  assert.equal(spent(2, undefined, nowMs + 61 * minute), 6);
  // A clock that was set back gives nothing back.
  assert.equal(spent(1, undefined, nowMs - 600 * minute), 6);
  assert.equal(store.spent("bytesRestored", 1, undefined, nowMs), 5_000_000_000);
});
