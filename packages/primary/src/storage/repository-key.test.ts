import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import pino from "pino";
import { recoverCatalogue } from "../catalogue/recover-catalogue.ts";
import { startTestPrimary, temporaryFolder, TestJournal } from "../testing/test-primary.ts";
import { exportRepositoryKey, rotateRepositoryKey } from "./repository-key.ts";

test("repository key - is exported into a new file that only its owner reads, and rotated while the primary is down", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const passwordFile = join(dataDir, "storage", "stu_local", "password");
  const [source, out] = [join(folder.path, "file"), join(folder.path, "exported")];
  await writeFile(source, "precious");
  let backupId: string;
  await assert.rejects(exportRepositoryKey({ dataDir, file: out }), { code: "storage_unusable" });
  await assert.rejects(rotateRepositoryKey({ dataDir }), { code: "storage_unusable" });
  assert.ok(!existsSync(dataDir), "nothing is made in a wrong folder");
  {
    await using primary = await startTestPrimary(dataDir, { makesRepository: true });
    await primary.createPolicy("p", [source]);
    ({ backupId = "" } = await primary.backUp("p"));
    await exportRepositoryKey({ dataDir, file: out });
    await assert.rejects(exportRepositoryKey({ dataDir, file: out }), { code: "already_exists" });
    await assert.rejects(rotateRepositoryKey({ dataDir }), { code: "data_dir_in_use" });
  }
  const old = await readFile(passwordFile, "utf8");
  assert.equal(await readFile(out, "utf8"), old);
  assert.equal((await stat(out)).mode & 0o777, 0o600);
  assert.deepEqual(await rotateRepositoryKey({ dataDir }), { removedKeys: 1 });
  assert.notEqual(await readFile(passwordFile, "utf8"), old);
  assert.ok(!existsSync(`${passwordFile}.next`));
  {
    await using primary = await startTestPrimary(dataDir);
    const restored = { backupId, paths: [source], renames: [{ from: source, to: `${source}-restored` }] };
    assert.equal((await primary.restore(restored)).status, 0);
    assert.equal(await readFile(`${source}-restored`, "utf8"), "precious");
  }
  await writeFile(passwordFile, old);
  await using restarted = await startTestPrimary(dataDir);
  assert.equal((await restarted.backUp("p")).status, 2106, "the old password opens it no longer");
});

test("catalogue - is recovered from the repository alone, immutable images as such, after telling what would be done", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const source = join(folder.path, "file");
  await writeFile(source, "precious");
  const made: string[] = [];
  {
    await using primary = await startTestPrimary(dataDir);
    await primary.createPolicy("p", [source]);
    made.push((await primary.backUp("p")).backupId ?? "");
    const set = { body: { data: { type: "storageUnit", attributes: { useWorm: true } } } };
    await primary.expect(200, "PATCH /storage/storage-units/stu_local", set);
    made.push((await primary.backUp("p")).backupId ?? "");
  }
  for (const end of ["", "-wal", "-shm"]) await rm(join(dataDir, `primary.db${end}`), { force: true });
  const journal = new TestJournal();
  const recover = (dryRun: boolean) =>
    recoverCatalogue({ dataDir, dryRun, log: pino({ level: "silent" }), journal: () => journal });
  assert.deepEqual(await recover(true), { images: 0, recovered: 2, removed: 0, lost: 0, unreachable: [] });
  assert.deepEqual(journal.items, []);
  assert.deepEqual(await recover(false), { images: 2, recovered: 2, removed: 0, lost: 0, unreachable: [] });
  assert.deepEqual(
    journal
      .images()
      .map(({ backupId }) => backupId)
      .toSorted(),
    made.toSorted(),
  );
  assert.deepEqual(await recover(false), { images: 2, recovered: 0, removed: 0, lost: 0, unreachable: [] });
  await using primary = await startTestPrimary(dataDir);
  const [free = "", locked = ""] = made;
  const image = await primary.expect(200, `/catalog/images/${free}`);
  assert.match(image.text, /"policyName":"p".*"scheduleName":"full"/);
  const expire = (backupId: string) => ({
    body: { data: { type: "byBackupId", attributes: { backupId, date: "1970-01-01T00:00:00.000Z" } } },
  });
  await primary.expect(400, "POST /catalog/images/update-expiration-date", expire(locked));
  const restore = {
    backupId: locked,
    paths: [source],
    renames: [{ from: source, to: `${source}-restored` }],
  };
  assert.equal((await primary.restore(restore)).status, 0);
  await primary.expect(204, "POST /catalog/images/update-expiration-date", expire(free));
  await primary.journal.imageDeleted(free);
});
