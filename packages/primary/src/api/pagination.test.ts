import assert from "node:assert/strict";
import test from "node:test";
import { linksOf, paginationOf, readPage } from "./pagination.ts";

const query = (parameters: Record<string, string>) => (name: string) => parameters[name];

test("pagination - has NetBackup's defaults and refuses what is out of bounds", () => {
  assert.deepEqual(readPage(query({}), 100), { limit: 10, offset: 0 });
  assert.deepEqual(readPage(query({ "page[limit]": "100", "page[offset]": "7" }), 100), {
    limit: 100,
    offset: 7,
  });
  for (const bad of ["0", "101", "-1", "1.5", "x", "1e2", " 1"]) {
    assert.throws(() => readPage(query({ "page[limit]": bad }), 100), { code: "invalid_request" });
  }
});

test("pagination - leaves prev and next out at the ends", () => {
  const first = { first: 0, last: 20, next: 10, count: 25, offset: 0, limit: 10, page: 0, pages: 3 };
  assert.deepEqual(paginationOf(25, { limit: 10, offset: 0 }), first);
  const last = { first: 0, last: 20, prev: 10, count: 25, offset: 20, limit: 10, page: 2, pages: 3 };
  assert.deepEqual(paginationOf(25, { limit: 10, offset: 20 }), last);
  const empty = { first: 0, last: 0, count: 0, offset: 0, limit: 10, page: 0, pages: 0 };
  assert.deepEqual(paginationOf(0, { limit: 10, offset: 0 }), empty);
});

test("pagination - links keep the other parameters", () => {
  const links = linksOf("https://h:1/netbackup/x?filter=a", paginationOf(25, { limit: 10, offset: 10 }));
  const next = new URL(links.next?.href ?? "");
  assert.equal(next.searchParams.get("page[offset]"), "20");
  assert.equal(next.searchParams.get("filter"), "a");
});
