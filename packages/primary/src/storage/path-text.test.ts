import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ListedPaths } from "./listed-paths.ts";
import { pathBytes, pathPattern, pathText, pathTextProblem } from "./path-text.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const oddByte = fc.constantFrom(0x61, 0x0a, 0x25, 0x5c, 0x80, 0xbd, 0xbf, 0xc3, 0xe2, 0xed, 0xef, 0xf0, 0xff);
const oddPath = fc.array(oddByte, { maxLength: 12 }).map((all) => Buffer.from([0x2f, ...all]));

test("path text - every path has one, which is read back as the same bytes; names in UTF-8 are written as they are", () => {
  assert.equal(pathText(bytes("/caf\xe9")), "/caf\uFFFDe9");
  assert.equal(pathText(Buffer.from("/é\n%41\\x")), "/é\n%41\\x");
  assert.equal(pathText(Buffer.from("/\uFFFDff")), "/\uFFFDef\uFFFDbf\uFFFDbdff");
  fc.assert(
    fc.property(oddPath, (path) => {
      const text = pathText(path);
      assert.equal(pathTextProblem(text), undefined);
      assert.deepEqual(pathBytes(text), path);
    }),
    { numRuns: 500 },
  );
});

test("path text - no other text stands for a path: no second spelling, no byte that is a character, no half escape", () => {
  for (const text of [
    "/\uFFFD",
    "/\uFFFDzz",
    "/\uFFFDFF",
    "/\uFFFD2f",
    "/\uFFFD00",
    "/\uFFFDc3\uFFFDa9",
    "/\uD800",
  ]) {
    assert.notEqual(pathTextProblem(text), undefined, text);
  }
  assert.equal(pathPattern("/a*\uFFFDff\uFFFDef\uFFFDbf\uFFFDbdff"), "/a\\*?\uFFFDff");
});

test("listed paths - finds the bytes behind what restic's JSON shows in their place, line by line", async () => {
  const paths = ["/a", "/b\n\n", "/c\xff\n\xfe", "/d\xef\xbf\xbd\xe9", "/e\xe9"].map(bytes);
  const shown = ["/a", "/b\n\n", "/c\uFFFD\n\uFFFD", "/d\uFFFD\uFFFD", "/e\uFFFD"];
  const output = Buffer.concat(paths.flatMap((path) => [path, bytes("\n")]));
  for (const size of [1, 3, 100]) {
    async function* chunks() {
      for (let at = 0; at < output.length; at += size) yield output.subarray(at, at + size);
    }
    const listed = new ListedPaths(() => chunks());
    for (const [index, text] of shown.entries()) {
      assert.equal(await listed.textOf(text), pathText(paths[index] ?? bytes("")));
    }
  }
  // A restic that writes them in another way: what is shown is all that is known.
  const other = new ListedPaths(async function* () {
    yield bytes('"/a\\xff"\n');
  });
  assert.equal(await other.textOf("/a\uFFFD"), "/a\uFFFD");
});
