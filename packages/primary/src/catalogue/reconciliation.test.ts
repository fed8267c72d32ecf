import assert from "node:assert/strict";
import test from "node:test";
import { compareCatalogue } from "./reconciliation.ts";
import type { CatalogueImage } from "./image.ts";

const image = (backupId: string, snapshotId: string, expiring = false): CatalogueImage => ({
  backupId,
  snapshotId,
  clientName: "c",
  policyName: "p",
  scheduleName: "",
  scheduleType: "FULL",
  policyType: "Standard",
  storageUnit: "stu_local",
  wormUntilMs: null,
  jobId: 1,
  backupTimeS: 1,
  createdAtS: 1,
  elapsedS: 0,
  kilobytes: 0,
  kilobytesStored: 0,
  files: 0,
  status: 0,
  expiresAtMs: null,
  expiring,
});
const snapshot = (id: string, backupId?: string, more: Record<string, string> = {}) => ({
  id,
  hostName: "c",
  tags: { ...(backupId === undefined ? {} : { backupId }), ...more },
});

test("reconciliation - tells unfinished, unknown, lost and foreign apart", () => {
  const differences = compareCatalogue(
    [image("c_1", "s1"), image("c_2", "s2"), image("c_3", "s3", true)],
    [
      snapshot("s1", "c_1"),
      snapshot("s4", "c_4"),
      snapshot("s5", "c_5"),
      snapshot("s6"),
      snapshot("s7", "odd"),
      // A dump that was cut off, when no job is known any more.
      snapshot("s8", "c_8", { unconfirmed: "stream" }),
    ],
    (backupId) => backupId === "c_4",
    "stu_local",
  );
  assert.deepEqual(
    differences.unfinished.map(({ id }) => id),
    ["s4", "s8"],
  );
  assert.deepEqual(
    differences.unknown.map(({ id }) => id),
    ["s5"],
  );
  assert.deepEqual(
    differences.lost.map(({ backupId }) => backupId),
    ["c_2"],
  );
});
