import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { backupTimeOf, clientName, startTestPrimary, temporaryFolder } from "../testing/test-primary.ts";

/** Everything that a restore has to bring back: a line for each entry of a tree. */
async function describeTree(root: string): Promise<string[]> {
  const lines: string[] = [];
  const inodes = new Map<number, string>();
  const visit = async (path: Buffer, shown: string): Promise<void> => {
    const found = await lstat(path);
    const { mode, uid, gid, mtimeMs, ino, nlink } = found;
    const content = found.isFile() ? (await readFile(path)).toString("hex") : "";
    const target = found.isSymbolicLink() ? await readlink(path, "utf8") : "";
    const twin = nlink > 1 && found.isFile() ? (inodes.get(ino) ?? "first") : "";
    inodes.set(ino, shown);
    lines.push([shown, mode.toString(8), uid, gid, Math.round(mtimeMs), content, target, twin].join(" "));
    if (!found.isDirectory()) return;
    const names = await readdir(path, { encoding: "buffer" });
    for (const name of names.sort((a, b) => a.compare(b))) {
      await visit(Buffer.concat([path, Buffer.from("/"), name]), `${shown}/${name.toString("latin1")}`);
    }
  };
  await visit(Buffer.from(root), ".");
  return lines;
}

async function makeOddTree(root: string): Promise<void> {
  await mkdir(join(root, "folder [x] *?"), { recursive: true });
  const names = ["-rf", "new\nline", "*", "[a]", "back\\slash", "a".repeat(255), "ü"];
  for (const name of names) await writeFile(join(root, name), `content of ${name}`);
  const notUtf8 = Buffer.concat([Buffer.from(`${root}/folder [x] *?/`), Buffer.from([0x66, 0xff, 0xfe])]);
  await writeFile(notUtf8, "not UTF-8");
  await writeFile(join(root, "folder [x] *?", "run"), "#!/bin/sh\n", { mode: 0o4751 });
  await symlink("/etc/passwd", join(root, "symlink"));
  await symlink("nowhere", join(root, "dangling"));
  await link(join(root, "ü"), join(root, "hard link"));
  await writeFile(join(root, "empty"), "");
  await utimes(join(root, "empty"), 1_000_000_000, 1_000_000_000);
  await mkdir(join(root, "closed"), { mode: 0o500 });
  await utimes(join(root, "folder [x] *?"), 1_100_000_000, 1_100_000_000);
}

function resticSnapshots(dataDir: string): { id: string; tags: string[] }[] {
  const unit = join(dataDir, "storage", "stu_local");
  const args = ["-r", join(unit, "repository"), "--password-file", join(unit, "password"), "--no-cache"];
  const output = execFileSync("restic", [...args, "snapshots", "--json"], { encoding: "utf8" });
  return JSON.parse(output) as { id: string; tags: string[] }[];
}

test("primary - backs up, shows, restores and expires real files", async () => {
  await using folder = await temporaryFolder();
  const source = join(folder.path, "source");
  const restored = join(folder.path, "elsewhere", "deeper");
  const dataDir = join(folder.path, "data");
  await makeOddTree(source);
  await using primary = await startTestPrimary(dataDir);
  assert.equal((await primary.createPolicy("odd", [source])).status, 204);

  const { jobId, status, backupId = "" } = await primary.backUp("odd");
  assert.equal(status, 0, await primary.log(jobId));
  const job = await primary.job(jobId);
  assert.equal(job["percentComplete"], 100);
  assert.equal(job["numberOfFiles"], 11);
  const kinds = primary.journal.items.map(({ object, data: [item] }) =>
    item !== undefined && "state" in item ? `${object} ${item.state}` : `${object} ${item?.operationId}`,
  );
  assert.deepEqual(kinds, ["JOB ACTIVE", "IMAGE CREATE", "JOB DONE"]);

  const image = await primary.call({ path: `/catalog/images/${backupId}` });
  const { attributes } = (image.body as { data: { attributes: Record<string, unknown> } }).data;
  assert.equal(attributes["backupTime"], backupTimeOf(backupId));
  assert.match(backupId, new RegExp(`^${clientName}_\\d+$`));
  const snapshots = resticSnapshots(dataDir);
  assert.equal(snapshots.length, 1);
  assert.deepEqual(snapshots[0]?.tags.sort(), [
    `backupId=${backupId}`,
    `job=${jobId}`,
    "policy=odd",
    "schedule=full",
    "scheduleType=FULL",
  ]);

  const renames = [{ from: source, to: restored }];
  const restore = await primary.restore({ backupId, paths: [source], renames });
  assert.equal(restore.status, 0, await primary.log(restore.jobId));
  assert.deepEqual(await describeTree(restored), await describeTree(source));
  assert.deepEqual(await readdir(folder.path), ["data", "elsewhere", "source"]);

  const expired = await primary.call({
    method: "POST",
    path: "/catalog/images/update-expiration-date",
    body: {
      data: { type: "byBackupId", attributes: { backupId, date: "1970-01-01T00:00:00.000Z" } },
    },
  });
  assert.equal(expired.status, 204);
  assert.equal((await primary.call({ path: `/catalog/images/${backupId}` })).status, 404);
  await primary.journal.imageDeleted(backupId);
  assert.deepEqual(resticSnapshots(dataDir), []);
});

test("restore - leaves existing files alone unless told to overwrite, and merges folders", async () => {
  await using folder = await temporaryFolder();
  const source = join(folder.path, "source");
  await mkdir(join(source, "sub"), { recursive: true });
  await writeFile(join(source, "sub", "kept"), "from the backup");
  await writeFile(join(source, "gone"), "gone");
  await using primary = await startTestPrimary(join(folder.path, "data"));
  await primary.createPolicy("p", [source]);
  const { backupId = "" } = await primary.backUp("p");
  await writeFile(join(source, "sub", "kept"), "changed");
  await writeFile(join(source, "sub", "new"), "new");
  execFileSync("rm", [join(source, "gone")]);

  const careful = await primary.restore({ backupId, paths: [source] });
  assert.equal(careful.status, 1);
  assert.match(await primary.log(careful.jobId), /sub\/kept exists and was left as it is/);
  assert.equal(await readFile(join(source, "sub", "kept"), "utf8"), "changed");
  assert.equal(await readFile(join(source, "gone"), "utf8"), "gone");

  const bold = await primary.restore({ backupId, paths: [source], overwriteExistingFiles: true });
  assert.equal(bold.status, 0, await primary.log(bold.jobId));
  assert.equal(await readFile(join(source, "sub", "kept"), "utf8"), "from the backup");
  assert.equal(await readFile(join(source, "sub", "new"), "utf8"), "new");
});

test("restore - does not follow symbolic links in the destination", async () => {
  await using folder = await temporaryFolder();
  const source = join(folder.path, "source");
  const outside = join(folder.path, "outside");
  const destination = join(folder.path, "destination");
  for (const path of [join(source, "sub"), outside, destination]) await mkdir(path, { recursive: true });
  await writeFile(join(source, "sub", "file"), "x");
  await symlink(outside, join(destination, "sub"));
  await using primary = await startTestPrimary(join(folder.path, "data"));
  await primary.createPolicy("p", [source]);
  const { backupId = "" } = await primary.backUp("p");

  const within = [{ from: source, to: destination }];
  const inside = await primary.restore({ backupId, paths: [source], renames: within });
  assert.equal(inside.status, 1);
  const through = [{ from: source, to: join(destination, "sub", "deeper") }];
  const above = await primary.restore({ backupId, paths: [source], renames: through });
  assert.equal(above.status, 5);
  assert.match(await primary.log(above.jobId), /is a symbolic link/);
  assert.deepEqual(await readdir(outside), []);
});

test("restore - fails with 5 when the path is not in the image", async () => {
  await using folder = await temporaryFolder();
  await using primary = await startTestPrimary(join(folder.path, "data"));
  const source = join(folder.path, "source");
  await mkdir(source);
  await primary.createPolicy("p", [source]);
  const { backupId = "" } = await primary.backUp("p");
  const { jobId, status } = await primary.restore({ backupId, paths: [join(source, "missing")] });
  assert.equal(status, 5);
  assert.match(await primary.log(jobId), /is not in the image|missing/);
});
