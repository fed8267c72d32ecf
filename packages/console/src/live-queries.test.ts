import assert from "node:assert/strict";
import { test } from "node:test";
import { isAffected } from "./live-queries.ts";

const table: [path: string, types: string[], is: boolean][] = [
  ["/jobs", ["netbackup.job.done"], true],
  ["/jobs/summary", ["netbackup.job.done"], true],
  ["/backups/last-good", ["netbackup.job.done"], true],
  ["/images", ["netbackup.job.done"], false],
  ["/images", ["netbackup.job.done", "netbackup.image.create"], true],
  ["/primaries/1/timeline", ["sallyport.connection.disconnected"], true],
  ["/alert-rules", ["sallyport.alert.raised"], true],
  ["/users", ["sallyport.primary.enrolled"], false],
  ["/jobs", [""], true],
  ["/session", [""], false],
  ["/jobs", [], false],
];

for (const [path, types, is] of table) {
  test(`live queries - ${path} is ${is ? "" : "not "}read again after "${types.join(", ")}"`, () => {
    assert.equal(isAffected(path, types), is);
  });
}
