import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../testing/hub-fixture.ts";
import { DeliveryStore } from "./delivery-store.ts";
import { newReceiver } from "./lane.ts";

test("delivery store - one that arrives although it was given up meanwhile leaves the line once", async () => {
  await using folder = await temporaryFolder();
  const limits = { maxPendingDeliveries: 2, keptDeliveries: 10 };
  using store = new DeliveryStore({ path: join(folder.path, "deliveries.sqlite"), limits });
  const event = { type: "netbackup.job.done", subject: "job/1", source: "/primaries/p" };
  const take = (position: number) =>
    store.take([{ webhookId: "w", event: { ...event, position } }], 1_000, {});
  take(1);
  take(2);
  const [row] = store.due("w", 1_000, 1);
  assert.ok(row !== undefined);
  store.lose([row], 1_000, "the log no longer has it");
  const result = { atMs: 1_001, responseCode: 204, responseBody: "", error: null };
  store.settle(row, result, { state: "delivered" }, newReceiver);
  assert.deepEqual([store.pending("w"), store.room("w")], [1, 1]);
  assert.deepEqual([store.get("w", row.serial).state, store.due("w", 1_001, 5).length], ["delivered", 1]);
});
