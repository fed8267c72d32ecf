import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { pathBytes, pathText } from "../storage/path-text.ts";
import { below, describeTree, makeOddTree } from "../testing/odd-tree.ts";
import { clientName, startTestPrimary, temporaryFolder, type TestPrimary } from "../testing/test-primary.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;
let source: string;
let missing: string[];
let backupId: string;

before(async () => {
  folder = await temporaryFolder();
  source = join(folder.path, "source");
  await mkdir(join(folder.path, "outside"));
  await writeFile(join(folder.path, "outside", "file"), "untouched");
  missing = await makeOddTree(source);
  primary = await startTestPrimary(join(folder.path, "data"));
  await primary.createPolicy("odd", [source]);
  const made = await primary.backUp("odd");
  assert.equal(made.status, 0, await primary.log(made.jobId));
  backupId = made.backupId ?? "";
});
after(async () => {
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Restic leaves sockets out: only who listens makes one. */
function isSame(actual: string[], original: string[]): void {
  const expected = original.filter((line) => !line.startsWith("./socket "));
  const without = (all: string[], others: string[]) => all.filter((line) => !others.includes(line));
  assert.deepEqual(
    { added: without(actual, expected), lost: without(expected, actual) },
    { added: [], lost: [] },
  );
  assert.equal(actual.length, expected.length);
}

async function restore(paths: string[], renames: { from: string; to: string }[]): Promise<void> {
  const { jobId, status } = await primary.restore({ backupId, paths, renames });
  assert.equal(status, 0, await primary.log(jobId));
}

/** Every path of the image, as its contents tell them. */
async function contents(): Promise<string[]> {
  const opened = await primary.expect(202, `/catalog/images/${backupId}/contents?page[limit]=10000`);
  const { requestId } = opened.body as { requestId: string };
  const page = await primary.expect(200, `/catalog/images/contents/${requestId}`);
  const { data } = page.body as { data: { attributes: { filePath: string } }[] };
  return data.map(({ attributes }) => attributes.filePath);
}

test("restore - brings everything back as it was: names of any bytes, links, kinds, owners, modes, times, attributes, ACLs", async (t) => {
  for (const reason of missing) t.diagnostic(`left out: ${reason}`);
  const before = describeTree(source);
  await restore([source], [{ from: source, to: join(folder.path, "elsewhere", "deeper") }]);
  isSame(describeTree(join(folder.path, "elsewhere", "deeper")), before);
  // And to where it was.
  await rename(source, `${source}-kept`);
  await restore([source], []);
  isSame(describeTree(source), before);
  assert.deepEqual(await readdir(join(folder.path, "outside")), ["file"]);
  await rm(source, { recursive: true });
  await rename(`${source}-kept`, source);
});

test("image contents - tell each name by one text, which a restore takes back, alone and under another name", async () => {
  const shown = await contents();
  const all = (await readdir(source, { encoding: "buffer" })).map((name) => pathText(name));
  const names = all.filter((name) => name !== "socket");
  const children = shown
    .filter((path) => path.startsWith(`${source}/`) && path !== `${source}/`)
    .map((path) => path.slice(source.length + 1).replace(/\/$/, ""));
  assert.deepEqual(
    children.filter((path) => !path.includes("/")).toSorted((a, b) => (a < b ? -1 : 1)),
    names.toSorted((a, b) => (a < b ? -1 : 1)),
  );
  assert.ok(children.includes("caf\uFFFDe9"));
  assert.ok(children.includes("\uFFFDef\uFFFDbf\uFFFDbdff"), "U+FFFD itself");
  const files = [
    "f\uFFFDff\uFFFDfe",
    "f?\uFFFDff",
    "nl\n\uFFFDff",
    "\uFFFDef\uFFFDbf\uFFFDbd",
    "*",
    "new\nline",
    "-rf",
  ];
  files.push("d\uFFFDe9/in\uFFFDe9", "\uFFFDc3", "a".repeat(255));
  const into = join(folder.path, "files");
  await restore(
    files.map((name) => join(source, name)),
    files.map((name, index) => ({ from: join(source, name), to: join(into, String(index)) })),
  );
  for (const [index, name] of files.entries()) {
    const [restored, original] = [join(into, String(index)), pathBytes(join(source, name))];
    assert.deepEqual(await readFile(restored), await readFile(original), name);
    assert.equal((await stat(restored)).mtimeMs, (await stat(original)).mtimeMs, name);
  }
  assert.deepEqual((await readdir(into)).length, files.length);
});

test("restore - goes to where no text names it, too, and refuses a text that no image's contents have", async () => {
  const odd = below(folder.path, "to\xff");
  await mkdir(odd);
  const to = join(folder.path, "to\uFFFDff", "new\uFFFDfe", "d");
  await restore([join(source, "d\uFFFDe9")], [{ from: join(source, "d\uFFFDe9"), to }]);
  isSame(describeTree(pathBytes(to)), describeTree(below(source, "d\xe9")));
  assert.deepEqual(
    (await readdir(folder.path)).filter((name) => name.startsWith(".sallyport")),
    [],
  );
  for (const path of ["/a\uFFFD", "/a\uFFFD2f", "/a\uFFFDFF", "/a\uFFFDc3\uFFFDa9"]) {
    const refused = await primary.startRestore({ backupId, paths: [path] });
    assert.equal(refused.status, 400, path);
    assert.match(refused.text, /only as an image's contents do/);
  }
});

test("image contents - of a folder that no text names are told, and what lies in it counted", async () => {
  const look = async (filter: string) => {
    const query = encodeURIComponent(`clientName eq '${clientName}' and ${filter}`);
    const answer = await primary.expect(200, `/catalog/image-contents?filter=${query}`);
    const { data } = answer.body as { data: { attributes: { fullPath: string; name: string } }[] };
    return data.map(({ attributes }) => attributes);
  };
  const odd = join(source, "d\uFFFDe9");
  const [inside, ...others] = await look(`path eq '${odd}'`);
  assert.deepEqual([inside?.fullPath, inside?.name, others], [`${odd}/in\uFFFDe9`, "in\uFFFDe9", []]);
  const size = await primary.expect(200, "POST /catalog/image-contents-size", {
    body: {
      data: {
        type: "imageContentsTotalSizeInfoRequest",
        attributes: { recoveryPoint: { backupId }, fileList: [odd] },
      },
    },
  });
  assert.match(size.text, /"numFiles":1,"numDirs":1/);
});

test("backup - of a selection that no text names", async () => {
  await primary.createPolicy("alone", [join(source, "d\uFFFDe9"), join(source, "caf\uFFFDe9")]);
  const { jobId, status } = await primary.backUp("alone");
  assert.equal(status, 0, await primary.log(jobId));
  assert.equal((await primary.job(jobId))["numberOfFiles"], 2);
});
