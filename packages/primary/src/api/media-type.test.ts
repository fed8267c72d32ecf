import assert from "node:assert/strict";
import test from "node:test";
import { formatVersion, isReadableJson, multipartBoundary, negotiateAnswer } from "./media-type.ts";

const versioned = (version: string) => `application/vnd.netbackup+json;version=${version}`;
const accepts: [accept: string | undefined, contentType: string | undefined, version: string | undefined][] =
  [
    [undefined, undefined, "14.0"],
    ["", undefined, "14.0"],
    ["*/*", undefined, "14.0"],
    ["*/*", versioned("4.0"), "4.0"],
    [undefined, "application/vnd.netbackup+json; version=2.0", "2.0"],
    ["application/json", undefined, "14.0"],
    [versioned("12.0"), undefined, "12.0"],
    ["application/vnd.netbackup+json; version=2.0;charset=UTF-8", undefined, "2.0"],
    [versioned("12"), undefined, "12.0"],
    [versioned("14.1"), undefined, undefined],
    [versioned("15.0"), undefined, undefined],
    [versioned("15.0"), versioned("3.0"), undefined],
    [versioned("0.9"), undefined, undefined],
    [versioned("x"), undefined, undefined],
    [`${versioned("15.0")}, ${versioned("13.0")}`, undefined, "13.0"],
    [`${versioned("12.0")};q=0.5, ${versioned("13.0")}`, undefined, "13.0"],
    ["text/html", undefined, undefined],
    ["text/html, */*;q=0.1", undefined, "14.0"],
    ["*/*;q=0", undefined, undefined],
  ];
for (const [accept, contentType, version] of accepts) {
  test(`media type - answers Accept "${accept}" with Content-Type "${contentType}" in ${version}`, () => {
    const chosen = negotiateAnswer(accept, contentType, "json");
    assert.equal(chosen && formatVersion(chosen), version);
  });
}

test("media type - reads JSON bodies that are versioned, plain or untold", () => {
  for (const type of [undefined, "application/json", "application/json; charset=utf-8", versioned("14.0")]) {
    assert.ok(isReadableJson(type), type);
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded", versioned("15.0"), versioned("x")]) {
    assert.ok(!isReadableJson(type), type);
  }
});

test("media type - finds the boundary of both spellings of multipart", () => {
  assert.equal(multipartBoundary("multipart/form-data; boundary=abc"), "abc");
  assert.equal(multipartBoundary('multipart/vnd.netbackup+form-data;version=14.0;boundary="a b"'), "a b");
  assert.equal(multipartBoundary("multipart/vnd.netbackup+form-data;version=99;boundary=a"), undefined);
  assert.equal(multipartBoundary("application/json"), undefined);
});
