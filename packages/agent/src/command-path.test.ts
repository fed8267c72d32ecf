import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOfPath } from "./command-path.ts";

const allowed = [
  "/netbackup/ping",
  "/netbackup/admin/jobs?page%5Blimit%5D=1&filter=a%20eq%20'..'",
  "/netbackup//admin/manual-backup/",
  "/netbackup/catalog/images/client.branch.example_1764000040",
  "/netbackup/config/policies/a..b",
  "/netbackup/config/policies/sallyport",
];
const refused = [
  "/netbackup",
  "/other",
  "netbackup/ping",
  "//evil.example/netbackup/",
  "https://evil.example/netbackup/ping",
  "/netbackup/../admin",
  "/netbackup/./ping",
  "/netbackup/%2e%2e/admin",
  "/netbackup/.%2E/admin",
  "/netbackup/..%2fadmin",
  "/netbackup/a/..",
  "/netbackup/a\\..\\b",
  "/netbackup/%5c..%5cb",
  "/netbackup/a%00b",
  "/netbackup/ping HTTP/1.1\r\nX: y",
  "/netbackup/a b",
  "/netbackup/ü",
  "/netbackup/ping#fragment",
  "/netbackup/sallyport",
  "/netbackup/sallyport/status",
  "/netbackup//Sallyport/status?x=1",
  "/netbackup/%73allyport/status",
  "/netbackup/%2573allyport/status",
];

for (const uri of allowed) {
  test(`command path - allows ${uri}`, () => assert.equal(refusalOfPath(uri), undefined));
}
for (const uri of refused) {
  test(`command path - refuses ${JSON.stringify(uri)}`, () => assert.notEqual(refusalOfPath(uri), undefined));
}
