import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { randomBytes } from "node:crypto";
import { startTestPrimary, temporaryFolder } from "../testing/test-primary.ts";

test("backup - of a source that does not exist fails with 71", async () => {
  await using folder = await temporaryFolder();
  await using primary = await startTestPrimary(join(folder.path, "data"));
  await primary.createPolicy("p", [join(folder.path, "missing")]);
  const { jobId, status } = await primary.backUp("p");
  assert.equal(status, 71);
  assert.match(await primary.log(jobId), /missing does not exist/);
  assert.deepEqual(primary.journal.images(), []);
});

test("backup - with one source missing, or one unreadable, is partial and has an image", async () => {
  await using folder = await temporaryFolder();
  await using primary = await startTestPrimary(join(folder.path, "data"));
  const file = join(folder.path, "file");
  await writeFile(file, "x");
  await primary.createPolicy("missing", [file, join(folder.path, "missing")]);
  // Not even root may read this one: the kernel refuses it.
  await primary.createPolicy("unreadable", [file, "/proc/1/mem"]);
  for (const name of ["missing", "unreadable"]) {
    const { jobId, status, backupId } = await primary.backUp(name);
    assert.equal(status, 1, await primary.log(jobId));
    assert.match(await primary.log(jobId), /missing does not exist|\/proc\/1\/mem: archival/);
    assert.equal((await primary.call({ path: `/catalog/images/${backupId}` })).status, 200);
  }
});

test("backup - without restic fails with 2106 and says what to install", async () => {
  await using folder = await temporaryFolder();
  const resticProgram = join(folder.path, "no-restic");
  await using primary = await startTestPrimary(join(folder.path, "data"), { resticProgram });
  await primary.createPolicy("p", [folder.path]);
  const { jobId, status } = await primary.backUp("p");
  assert.equal(status, 2106);
  assert.match(await primary.log(jobId), /install the package restic/);
});

test("backup - into a repository whose password file is gone fails with 2106 and makes no other", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const file = join(folder.path, "file");
  await writeFile(file, "x");
  {
    await using primary = await startTestPrimary(dataDir);
    await primary.createPolicy("p", [file]);
    assert.equal((await primary.backUp("p")).status, 0);
  }
  await rm(join(dataDir, "storage", "stu_local", "password"));
  await using primary = await startTestPrimary(dataDir);
  const { jobId, status } = await primary.backUp("p");
  assert.equal(status, 2106);
  assert.match(await primary.log(jobId), /password file .* is missing/);
});

test(
  "backup - onto a full disk fails with 129, and the primary lives on",
  { skip: process.getuid?.() !== 0 },
  async () => {
    await using folder = await temporaryFolder();
    const dataDir = join(folder.path, "data");
    const repository = join(dataDir, "storage", "stu_local", "repository");
    await mkdir(repository, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", repository]);
    try {
      await using primary = await startTestPrimary(dataDir);
      const [large, small] = [join(folder.path, "large"), join(folder.path, "small")];
      await writeFile(large, randomBytes(16 * 1024 * 1024));
      await writeFile(small, "small");
      await primary.createPolicy("large", [large]);
      await primary.createPolicy("small", [small]);
      const before = await primary.backUp("small");
      assert.equal(before.status, 0, await primary.log(before.jobId));
      const { jobId, status } = await primary.backUp("large");
      assert.equal(status, 129, await primary.log(jobId));
      assert.match(await primary.log(jobId), /no space left on device/);
      // What is there can still be read, and restored.
      const renames = [{ from: small, to: join(folder.path, "restored") }];
      const restored = await primary.restore({ backupId: before.backupId ?? "", paths: [small], renames });
      assert.equal(restored.status, 0, await primary.log(restored.jobId));
    } finally {
      execFileSync("umount", [repository]);
    }
  },
);

test("backup - leaves the primary's own data out", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data [1]");
  await writeFile(join(folder.path, "file"), "x");
  await using primary = await startTestPrimary(dataDir);
  await primary.createPolicy("p", [folder.path]);
  const { jobId, status } = await primary.backUp("p");
  assert.equal(status, 0, await primary.log(jobId));
  assert.equal((await primary.job(jobId))["numberOfFiles"], 1);
});
