import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { makeQuickRepository } from "../testing/quick-repository.ts";
import { startSshd } from "../testing/storage-servers.ts";
import { policyBody, startTestPrimary, temporaryFolder, type TestPrimary } from "../testing/test-primary.ts";
import { addStorage, checkStorage, listStorage, removeStorage } from "./storage-administration.ts";

const plain = { settings: {}, takesOver: false, opens: true };

/** Backs a file up to a storage unit; answers the status and the job's log. */
async function backUpTo(primary: TestPrimary, storage: string, file: string) {
  const body = policyBody(`to-${storage}`, [file]);
  const { policy } = body.data.attributes;
  const policyAttributes = { ...policy.policyAttributes, storage };
  const changed = {
    ...body,
    data: { ...body.data, attributes: { policy: { ...policy, policyAttributes } } },
  };
  await primary.call({ method: "POST", path: "/config/policies/", body: changed });
  const { jobId, status, backupId } = await primary.backUp(`to-${storage}`);
  return { status, backupId: backupId ?? "", log: await primary.log(jobId) };
}

/** Signals a process, if it is there still. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

test("storage - a server that goes away, shows another key or refuses ours ends jobs with a status that says so; what a killed restic locked is free again", async () => {
  await using folder = await temporaryFolder();
  await using sshd = await startSshd(join(folder.path, "sshd"));
  const dataDir = join(folder.path, "data");
  const [small, large] = [join(folder.path, "small"), join(folder.path, "large")];
  await writeFile(small, "precious");
  const repository = sshd.folderOf("unit");
  makeQuickRepository(dataDir);
  makeQuickRepository(dataDir, "nas", repository);
  const options = { dataDir };
  const nas = { ...plain, name: "nas", server: sshd.definition, volume: sshd.volume("unit") };
  await addStorage(options, nas);
  {
    await using primary = await startTestPrimary(dataDir);
    const good = await backUpTo(primary, "nas", small);
    assert.equal(good.status, 0, good.log);

    // Away in the middle of a backup; one that was done before the server was gone does not count.
    const cutOff = async () => {
      await writeFile(large, randomBytes(256 * 1024 * 1024));
      const started = primary.event("restic.started");
      const underWay = primary.event("job.progress");
      const backup = backUpTo(primary, "nas", large);
      const [{ pid }] = await Promise.all([started, underWay]);
      // Held meanwhile, so that it does not get any further.
      signal(Number(pid), "SIGSTOP");
      await sshd.stop();
      signal(Number(pid), "SIGCONT");
      return await backup;
    };
    let { status, log } = await cutOff();
    for (let tries = 1; status === 0 && tries < 5; tries += 1) {
      await sshd.start();
      ({ status, log } = await cutOff());
    }
    assert.equal(status, 84, log);
    assert.match(log, /Check the storage unit's disk, or its server and the network to it/);

    // Away from the start: the pool is down, and says why.
    const away = await backUpTo(primary, "nas", small);
    assert.equal(away.status, 2106, away.log);
    assert.match(away.log, /Connection refused/);
    assert.match((await primary.expect(200, "/storage/disk-pools")).text, /"diskPoolState":"DOWN"/);
    assert.match((await primary.expect(200, "/storage/disk-pools/nas")).text, /Connection refused/);

    // The lock of the broken backup lies there still; it is in nobody's way.
    assert.notDeepEqual(await readdir(join(repository, "locks")), []);
    await sshd.start();
    const again = await backUpTo(primary, "nas", small);
    assert.equal(again.status, 0, again.log);
    assert.match((await primary.expect(200, "/storage/disk-pools/nas")).text, /"diskPoolState":"UP"/);

    // Another host key than the pinned one.
    await sshd.stop();
    sshd.replaceHostKey();
    await sshd.start();
    const forged = await backUpTo(primary, "nas", small);
    assert.equal(forged.status, 2106, forged.log);
    assert.match(forged.log, /another host key than the one that is pinned/);
    // An administrator knows of the change.
    const hostKeys = [(await readFile(sshd.hostKeyFile, "utf8")).split(" ").slice(0, 2).join(" ")];
    const patch = (sallyport: object) => ({
      body: { data: { type: "storageServer", attributes: { sallyport } } },
    });
    await primary.expect(200, "PATCH /storage/storage-servers/SFTP:nas", patch({ hostKeys }));
    assert.equal((await backUpTo(primary, "nas", small)).status, 0);

    // A private key that the server does not know.
    const { privateKey } = sshd.definition;
    const stranger = await readFile(sshd.hostKeyFile.replace(/\.pub$/, ""), "utf8");
    const changed = await primary.expect(
      200,
      "PATCH /storage/storage-servers/SFTP:nas",
      patch({ privateKey: stranger }),
    );
    assert.doesNotMatch(changed.text, /PRIVATE KEY/);
    const refused = await backUpTo(primary, "nas", small);
    assert.equal(refused.status, 2106, refused.log);
    assert.match(refused.log, /does not let this private key in/);
    await primary.expect(200, "PATCH /storage/storage-servers/SFTP:nas", patch({ privateKey }));
  }
  const held = await readdir(join(repository, "locks"));
  assert.notDeepEqual(held, [], "a lock of a restic that was cut off");
  await using primary = await startTestPrimary(dataDir);
  assert.equal((await backUpTo(primary, "nas", small)).status, 0);
  assert.deepEqual(await readdir(join(repository, "locks")), [], "removed when the primary opened it");
});

test("storage - a repository bears its primary's mark: another one refuses it, until it takes it over", async () => {
  await using folder = await temporaryFolder();
  const [one, other] = [join(folder.path, "one"), join(folder.path, "other")];
  const disk = join(folder.path, "disk");
  const file = join(folder.path, "file");
  await writeFile(file, "precious");
  for (const dataDir of [one, other]) makeQuickRepository(dataDir);
  makeQuickRepository(one, "second", disk);
  const key = (await readFile(join(one, "storage", "second", "password"), "utf8")).trim();
  const second = { ...plain, name: "second", server: undefined, volume: disk };
  await addStorage({ dataDir: one }, second);
  await using primary = await startTestPrimary(one);
  const clients = {
    data: {
      type: "storageUnit",
      attributes: { name: "client_web1" },
      relationships: { diskPool: { data: { type: "diskPool", id: "second" } } },
    },
  };
  const refused = await primary.expect(400, "POST /storage/storage-units", { body: clients });
  assert.match(JSON.stringify(refused.body), /must not begin with client_/);
  const kept = await backUpTo(primary, "second", file);
  assert.equal(kept.status, 0, kept.log);

  await assert.rejects(addStorage({ dataDir: other }, { ...second, name: "client_web1" }), /must not begin/);
  await assert.rejects(addStorage({ dataDir: other }, second), /wrong password.*--key-file/);
  await assert.rejects(addStorage({ dataDir: other }, { ...second, key }), /belongs to another primary/);
  assert.equal((await listStorage({ dataDir: other })).length, 1, "nothing was added");
  await addStorage({ dataDir: other }, { ...second, key, takesOver: true });

  // The first one still runs: before it deletes anything it sees that the repository is no longer its own.
  const failed = primary.event("image.expiry_failed");
  const expire = { attributes: { backupId: kept.backupId, date: "1970-01-01T00:00:00.000Z" } };
  await primary.expect(204, "POST /catalog/images/update-expiration-date", {
    body: { data: { type: "byBackupId", ...expire } },
  });
  assert.match(JSON.stringify(await failed), /belongs to another primary/);
  await primary.primary.close();
  await using taken = await startTestPrimary(other);
  await taken.journal.until(() => taken.journal.images().find(({ backupId }) => backupId === kept.backupId));
  const restored = { backupId: kept.backupId, paths: [file], renames: [{ from: file, to: `${file}-2` }] };
  assert.equal((await taken.restore(restored)).status, 0);

  // Where the disk is not mounted nothing is made anew.
  await rename(disk, `${disk}-elsewhere`);
  await mkdir(disk);
  const check = await checkStorage({ dataDir: other }, "second");
  assert.deepEqual([check.state, /mount the disk/.test(check.reason)], ["DOWN", true]);
  assert.deepEqual(await readdir(disk), []);
  const { obstacles } = await removeStorage({ dataDir: other }, "second", { dryRun: true });
  assert.match(obstacles.join(), /1 images lie on it/);
  await assert.rejects(removeStorage({ dataDir: other }, "second", { dryRun: false }), { code: "in_use" });
});

test("storage - no backup begins on a disk above its high water mark; a job says that it waits for the storage unit", async () => {
  await using folder = await temporaryFolder();
  await using primary = await startTestPrimary(join(folder.path, "data"));
  const file = join(folder.path, "file");
  await writeFile(file, randomBytes(64 * 1024 * 1024));
  const pool = (highWaterMark: number) => ({
    body: { data: { type: "diskPool", attributes: { highWaterMark } } },
  });
  await primary.createPolicy("p", [file]);
  await primary.createPolicy("q", [file]);
  const one = { body: { data: { type: "storageUnit", attributes: { maxConcurrentJobs: 1 } } } };
  await primary.expect(200, "PATCH /storage/storage-units/stu_local", one);
  const begun = once(primary.events, "job.started");
  const first = await primary.startBackup("p");
  await begun;
  const waiting = await primary.startBackup("q");
  const { jobQueueReason, jobQueueResource } = await primary.job(waiting);
  assert.deepEqual([jobQueueReason, jobQueueResource], [5, "storage unit stu_local, 1 job at once"]);
  for (const id of [first, waiting]) assert.equal((await primary.journal.jobDone(id)).status, 0);

  await primary.expect(400, "PATCH /storage/disk-pools/pool_local", pool(0));
  await primary.expect(200, "PATCH /storage/disk-pools/pool_local", pool(1));
  const { jobId, status } = await primary.backUp("p");
  const isFuller = /used to \d+ %, its high water mark is 1 %/.test(await primary.log(jobId));
  assert.deepEqual([status, isFuller], [129, true], await primary.log(jobId));
});
