import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, symlink, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import test from "node:test";
import { processesWith, startPrimaryProcess } from "./testing/primary-process.ts";
import { startTestPrimary, temporaryFolder } from "./testing/test-primary.ts";

/** A file that takes restic minutes to read, and no space. */
async function makeSlowSource(path: string): Promise<void> {
  await using file = await open(path, "w");
  await file.truncate(400 * 1024 ** 3);
}

test("primary - killed during a backup, ends that job with 50 at its next start and works on", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await makeSlowSource(join(folder.path, "slow"));
  await writeFile(join(folder.path, "small"), "small");
  let jobId: number;
  {
    await using runner = await startPrimaryProcess(dataDir);
    const { remote } = runner;
    await remote.logIn();
    await remote.createPolicy("slow", [join(folder.path, "slow")]);
    await remote.createPolicy("small", [join(folder.path, "small")]);
    jobId = await remote.startBackup("slow");
    await runner.line(({ msg }) => msg === "job.progress");
    assert.equal((await remote.job(jobId))["state"], "ACTIVE");
    assert.ok((await processesWith(dataDir)).length >= 1, "restic runs");
  }
  // A restic of the killed primary is still there, and its lock.
  await using primary = await startTestPrimary(dataDir);
  assert.equal((await processesWith(join(dataDir, "storage"))).length, 0, "no restic is left");
  const job = await primary.job(jobId);
  assert.equal(job["state"], "DONE");
  assert.equal(job["status"], 50);
  assert.deepEqual(
    primary.journal.jobs().map((item) => [item.jobId, item.state, item.status]),
    [[jobId, "DONE", 50]],
  );
  assert.match(await primary.log(jobId), /killed during the job/);
  const repository = join(dataDir, "storage", "stu_local", "repository");
  assert.deepEqual(await readdir(join(repository, "locks")), []);
  const next = await primary.backUp("small");
  assert.equal(next.status, 0, await primary.log(next.jobId));
});

test("primary - refuses a data folder that another process uses", async () => {
  await using folder = await temporaryFolder();
  await using _runner = await startPrimaryProcess(folder.path);
  await assert.rejects(startTestPrimary(folder.path), { code: "data_dir_in_use" });
});

test("primary - forgets a snapshot whose job was not committed, and catalogues those of an older catalogue", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await writeFile(join(folder.path, "file"), "x");
  const made: string[] = [];
  {
    await using primary = await startTestPrimary(dataDir);
    await primary.createPolicy("p", [join(folder.path, "file")]);
    for (let count = 0; count < 2; count += 1) made.push((await primary.backUp("p")).backupId ?? "");
    // As if the primary had been killed between the end of restic and the commit; and as if a job were unknown.
    primary.primary.database.connection.exec("DELETE FROM images");
    primary.primary.database
      .prepare("UPDATE jobs SET state = 'ACTIVE' WHERE backup_id = ?")
      .run(made[0] ?? "");
    primary.primary.database
      .prepare("UPDATE jobs SET backup_id = NULL WHERE backup_id = ?")
      .run(made[1] ?? "");
  }
  await using primary = await startTestPrimary(dataDir);
  assert.equal((await primary.call({ path: `/catalog/images/${made[0]}` })).status, 404);
  const imported = await primary.call({ path: `/catalog/images/${made[1]}` });
  assert.match(imported.text, /"numFiles":[1-9]/);
  assert.deepEqual(
    primary.journal.images().map((item) => [item.backupId, item.operationId]),
    [[made[1], "CREATE"]],
  );
  assert.deepEqual(
    primary.journal.jobs().map((item) => [item.state, item.status]),
    [["DONE", 50]],
  );
});

test("primary - finishes an expiry that was interrupted after restic forgot", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await writeFile(join(folder.path, "file"), "x");
  let backupId: string;
  {
    await using primary = await startTestPrimary(dataDir);
    await primary.createPolicy("p", [join(folder.path, "file")]);
    ({ backupId = "" } = await primary.backUp("p"));
    primary.primary.database.connection.exec("UPDATE images SET expiring = 1, snapshot_id = 'gone'");
  }
  await using primary = await startTestPrimary(dataDir);
  await primary.journal.imageDeleted(backupId);
  assert.equal((await primary.call({ path: `/catalog/images/${backupId}` })).status, 404);
});

test("primary - removes the staging folder of a restore that was killed", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const staging = join(folder.path, ".sallyport-restore-7");
  {
    await using primary = await startTestPrimary(dataDir);
    primary.primary.database.prepare("INSERT INTO staging_folders VALUES (?, 7)").run(staging);
  }
  await mkdir(join(staging, "a"), { recursive: true });
  await writeFile(join(folder.path, "outside"), "x");
  await symlink(join(folder.path, "outside"), join(staging, "link"));
  await using _primary = await startTestPrimary(dataDir);
  assert.ok(!existsSync(staging));
  assert.ok(existsSync(join(folder.path, "outside")));
});

test("job - is cancelled while it runs and while it waits, both with 150", async () => {
  await using folder = await temporaryFolder();
  await makeSlowSource(join(folder.path, "slow"));
  await using primary = await startTestPrimary(join(folder.path, "data"));
  await primary.createPolicy("slow", [join(folder.path, "slow")]);
  const first = await primary.startBackup("slow");
  await primary.event("job.progress", first);
  const others = [await primary.startBackup("slow"), await primary.startBackup("slow")];
  assert.equal((await primary.job(others[1] ?? 0))["state"], "QUEUED");
  const cancel = (id: number) => primary.call({ method: "POST", path: `/admin/jobs/${id}/cancel` });
  for (const id of [...others.toReversed(), first]) {
    assert.equal((await cancel(id)).status, 202);
    assert.equal((await primary.journal.jobDone(id)).status, 150);
    assert.equal((await primary.job(id))["cancellable"], 0);
    assert.equal((await cancel(id)).status, 400);
  }
  assert.match(await primary.log(first), /cancel requested by backupadmin/);
  assert.deepEqual(primary.journal.images(), []);
});

test("primary - closing ends a running job with 50", async () => {
  await using folder = await temporaryFolder();
  await makeSlowSource(join(folder.path, "slow"));
  const primary = await startTestPrimary(join(folder.path, "data"));
  await primary.createPolicy("slow", [join(folder.path, "slow")]);
  const jobId = await primary.startBackup("slow");
  await primary.event("job.progress", jobId);
  await primary.primary.close();
  assert.equal((await primary.journal.jobDone(jobId)).status, 50);
});

test("primary - listens on several addresses with one certificate, and refuses a short first password", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const firstUser = { userName: "backupadmin", password: "eleven char" };
  await assert.rejects(startTestPrimary(dataDir, { firstUser }), { code: "weak_password" });
  // What was refused has left nothing in the way.
  await using test = await startTestPrimary(dataDir);
  const hostNames = ["0.0.0.0", "127.0.0.2"];
  const wildcard = await test.primary.listen({ host: "0.0.0.0", port: 0, hostNames });
  const other = await test.primary.listen({ host: "127.0.0.2", port: 0, hostNames });
  assert.equal(other.certificate?.certPem, wildcard.certificate?.certPem);
  for (const [host, port] of [
    ["127.0.0.1", wildcard.port],
    ["localhost", wildcard.port],
    ["127.0.0.2", wildcard.port],
    ["127.0.0.2", other.port],
  ] as const) {
    const outgoing = request(`https://${host}:${port}/netbackup/ping`, {
      ca: other.certificate?.caPem ?? "",
    });
    const [answer] = (await once(outgoing.end(), "response")) as [IncomingMessage];
    answer.resume();
    assert.equal(answer.statusCode, 200, `${host}:${port}`);
  }
  await assert.rejects(test.primary.listen({ host: "127.0.0.2", port: other.port }), { code: "EADDRINUSE" });
});
