import assert from "node:assert/strict";
import test from "node:test";
import { backupStatus } from "./backup-status.ts";

const cases: [code: number | null, error: string, cancelled: boolean, missing: number, status: number][] = [
  [0, "", false, 0, 0],
  [0, "/x does not exist, skipping", false, 1, 1],
  [0, "", true, 0, 0],
  [3, "", false, 0, 1],
  [1, "Fatal: all target directories/files do not exist", false, 1, 71],
  [1, "Fatal: unable to save snapshot: write x: no space left on device", false, 0, 129],
  [1, "Fatal: wrong password or no key found", false, 0, 2106],
  [1, "Fatal: something else", false, 0, 6],
  [null, "", false, 0, 50],
  [130, "signal interrupt received, cleaning up", true, 0, 150],
  [null, "", true, 0, 150],
];

for (const [code, error, cancelled, missing, status] of cases) {
  test(`backup status - is ${status} for exit ${code} ${error}${cancelled ? " cancelled" : ""}`, () => {
    assert.equal(backupStatus({ code, errorLines: [error] }, { cancelled, missing }), status);
  });
}
