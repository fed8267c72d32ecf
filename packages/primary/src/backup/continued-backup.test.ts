import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { startPrimaryProcess, type PrimaryProcess } from "../testing/primary-process.ts";
import { makeQuickRepository } from "../testing/quick-repository.ts";
import { temporaryFolder } from "../testing/test-primary.ts";

const mib = 1024 * 1024;

test("backup - that was suspended, or whose primary was killed, goes on with what it had written", async (t) => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const source = join(folder.path, "source");
  const slow = join(source, "slow");
  const packs = join(dataDir, "storage", "stu_local", "repository", "data");
  makeQuickRepository(dataDir);
  await mkdir(source);

  const storedMiB = async () => {
    const entries = await readdir(packs, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && !entry.name.includes("tmp"));
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0) / mib;
  };
  /** Starts a backup of new data that does not end, and waits until some of it lies in the repository. */
  const beginBackup = async (primary: PrimaryProcess) => {
    for (const name of ["a", "b", "c"]) await writeFile(join(source, name), randomBytes(12 * mib));
    await writeFile(slow, "");
    await truncate(slow, 400 * 1024 ** 3);
    const before = await storedMiB();
    const jobId = await primary.remote.startBackup("p");
    await primary.until(async () => (await storedMiB()) - before >= 16);
    return jobId;
  };
  const finish = async (primary: PrimaryProcess, jobId: number, what: string, before: number) => {
    const done = await primary.line((line) => line["msg"] === "job.done" && line["jobId"] === jobId);
    const { text: log } = await primary.remote.expect(200, `/admin/jobs/${jobId}/try-logs`);
    assert.equal(done["status"], 0, log);
    assert.match(log, /backups that ended early have written is used/);
    const written = Number(/(\d+) KB new to the repository/.exec(log)?.[1]) / 1024;
    t.diagnostic(
      `${what}: 36 MiB to back up, ${before.toFixed(1)} MiB written before, ${written.toFixed(1)} MiB after`,
    );
    // Zeros of the slow file and trees are less than that.
    assert.ok(written <= 36 - before + 2, `${before} MiB were there, ${written} MiB were written`);
  };

  let token: string;
  let killedAfter: number;
  {
    await using primary = await startPrimaryProcess(dataDir);
    const { remote } = primary;
    await remote.logIn();
    ({ token } = remote);
    await remote.createPolicy("p", [source]);
    const jobId = await beginBackup(primary);
    await remote.expect(202, `POST /admin/jobs/${jobId}/suspend`);
    await primary.line((line) => line["msg"] === "job.paused" && line["jobId"] === jobId);
    const before = await storedMiB();
    await rm(slow);
    await remote.expect(202, `POST /admin/jobs/${jobId}/resume`);
    await finish(primary, jobId, "suspended", before);

    const first = await storedMiB();
    await beginBackup(primary);
    await primary.kill();
    killedAfter = first;
  }
  await rm(slow);
  await using primary = await startPrimaryProcess(dataDir);
  primary.remote.token = token;
  const before = (await storedMiB()) - killedAfter;
  await finish(primary, await primary.remote.startBackup("p"), "killed", before);
});
