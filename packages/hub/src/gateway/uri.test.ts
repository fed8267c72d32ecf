import assert from "node:assert/strict";
import { test } from "node:test";
import { HubError } from "../errors.ts";
import { parseTarget, requireNormalised } from "./uri.ts";

const base = "/api/v1/primaries/0d3b0e5c-7a53-4c29-9b1c-111111111111";

test("gateway target - keeps path and query byte for byte", () => {
  for (const uri of [
    "/netbackup/",
    "/netbackup/admin/jobs?page%5Blimit%5D=10&filter=state%20eq%20'DONE'&x=..\\..",
    "/netbackup/a%2Fb/%C3%BC/%20?a=/../%00",
    "/netbackup/a//b/...;v=1/%2525",
  ]) {
    const target = parseTarget(base + uri);
    assert.equal(target?.uri, uri);
    assert.equal(target.path, uri.split("?", 1)[0]);
    requireNormalised(target);
  }
});

test("gateway target - is nothing outside /netbackup/ of a primary", () => {
  for (const url of [
    base,
    `${base}/netbackup`,
    `${base}/netbackupx/a`,
    "/api/v1/primaries/a/b/netbackup/x",
    "/api/v1/primaries//netbackup/x",
    `https://hub${base}/netbackup/x`,
  ]) {
    assert.equal(parseTarget(url), undefined, url);
  }
});

test("gateway target - refuses whatever may lead out of /netbackup/", () => {
  for (const path of [
    "..",
    "../x",
    "a/../b",
    "./a",
    "a/.",
    "%2e%2e/x",
    "%2E./x",
    "a/%2e%2e%2fb",
    "a%2f..%2fb",
    "%252e%252e/x",
    "%25252e%25252e/x",
    "..;/x",
    "..;a=b/x",
    "%2e%2e%3b/x",
    "a\\b",
    "a%5cb",
    "a%5C..%5Cb",
    "a%00b",
    "a%0d%0ab",
    "a%7fb",
    "a%0aHost:%20x",
    "%zz",
    "%",
    "%ff",
    "a#b",
    "a b",
    "ü",
    "%252525252525252561",
  ]) {
    const target = parseTarget(`${base}/netbackup/${path}`);
    if (target === undefined) assert.fail(path);
    assert.throws(() => requireNormalised(target), HubError, path);
  }
});
