import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { describeTree } from "../testing/odd-tree.ts";
import { backupTimeOf, clientName, startTestPrimary, temporaryFolder } from "../testing/test-primary.ts";

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
  await mkdir(join(source, "sub"), { recursive: true });
  for (const name of ["a", "b", "sub/c"]) await writeFile(join(source, name), name);
  await using primary = await startTestPrimary(dataDir);
  assert.equal((await primary.createPolicy("p", [source])).status, 204);

  const { jobId, status, backupId = "" } = await primary.backUp("p");
  assert.equal(status, 0, await primary.log(jobId));
  const job = await primary.job(jobId);
  assert.equal(job["percentComplete"], 100);
  assert.equal(job["numberOfFiles"], 3);
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
    "policy=p",
    "schedule=full",
    "scheduleType=FULL",
  ]);

  const renames = [{ from: source, to: restored }];
  const restore = await primary.restore({ backupId, paths: [source], renames });
  assert.equal(restore.status, 0, await primary.log(restore.jobId));
  assert.deepEqual(describeTree(restored), describeTree(source));
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
