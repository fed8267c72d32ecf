import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import pino from "pino";
import { addStorage, removeStorage } from "../storage/storage-administration.ts";
import { makeQuickRepository } from "../testing/quick-repository.ts";
import { multipart, policyBody, startTestPrimary, temporaryFolder } from "../testing/test-primary.ts";

const hourMs = 3_600_000;

test("worm - no way round: policy, retention, storage unit, catalogue and database end no image before its time; the clock alone does", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const [source, vault] = [join(folder.path, "file"), join(folder.path, "vault")];
  await writeFile(source, "precious");
  await mkdir(vault);
  makeQuickRepository(dataDir);
  makeQuickRepository(dataDir, "vault", vault);
  await addStorage(
    { dataDir },
    {
      name: "vault",
      server: undefined,
      volume: vault,
      settings: { useWorm: true },
      takesOver: false,
      opens: true,
    },
  );
  const clock = { now: Date.now(), nowMs: () => clock.now };
  const refusals = new EventTarget();
  const write = (line: string) => {
    if (line.includes('"image.locked"')) refusals.dispatchEvent(new Event("refusal"));
  };
  const log = pino({ level: "error" }, { write });
  const start = () => startTestPrimary(dataDir, { clock, log });
  const snapshots = () => readdir(join(vault, "snapshots"));
  const schedule = (value: number, unit: string) => {
    const copies = [{ storage: "vault", retentionPeriod: { value, unit } }];
    const attributes = { backupType: "Full Backup", backupCopies: { priority: -1, copies } };
    return { body: { data: { type: "schedule", id: "full", attributes } } };
  };
  let id: string;
  {
    await using primary = await start();
    const body = policyBody("p", [source]);
    await primary.expect(204, "POST /config/policies/", { body });
    await primary.expect(204, "PUT /config/policies/p/schedules/full", schedule(1, "DAYS"));
    const made = await primary.backUp("p");
    assert.equal(made.status, 0, await primary.log(made.jobId));
    id = made.backupId ?? "";
    const { text } = await primary.expect(200, `/catalog/images/${id}`);
    assert.match(text, /"mediaId":"vault"/);
    assert.match(text, /"wormFlags":1/);

    // What made it: its retention, its policy, its job.
    await primary.expect(204, "PUT /config/policies/p/schedules/full", schedule(1, "SECONDS"));
    await primary.expect(204, "DELETE /config/policies/p");
    // Where it lies: settings, unit, pool.
    const settings = { data: { type: "storageUnit", attributes: { useWorm: false } } };
    await primary.expect(200, "PATCH /storage/storage-units/vault", { body: settings });
    const inUse = await primary.expect(409, "DELETE /storage/storage-units/vault");
    assert.match(inUse.text, /1 images lie on it/);
    assert.equal((await primary.call({ method: "DELETE", path: "/storage/disk-pools/vault" })).status, 409);
    // Itself.
    const date = new Date(clock.now + hourMs).toISOString();
    const update = { data: { type: "byBackupId", attributes: { backupId: id, date } } };
    await primary.expect(400, "POST /catalog/images/update-expiration-date", { body: update });
    await primary.expect(400, "POST /catalog/expire-images", multipart({ selectionsFile: [id] }));
    clock.now += hourMs;
  }
  await assert.rejects(removeStorage({ dataDir }, "vault", { dryRun: false }), { code: "in_use" });
  const before = await snapshots();

  // What somebody who can write the database can do there: the snapshot itself says how long it stays.
  const edits = [
    { edit: "UPDATE images SET expires_at_ms = 1", isTried: false },
    { edit: "UPDATE images SET expires_at_ms = 1, worm_until_ms = NULL", isTried: true },
    { edit: "UPDATE images SET expiring = 1, worm_until_ms = NULL", isTried: true },
    { edit: "DELETE FROM images", isTried: false },
  ];
  for (const { edit, isTried } of edits) {
    {
      await using primary = await start();
      primary.primary.database.connection.exec(edit);
    }
    const refused = isTried ? once(refusals, "refusal") : undefined;
    await using primary = await start();
    await refused;
    await primary.expect(200, `/catalog/images/${id}`);
    await primary.expect(400, "POST /catalog/expire-images", multipart({ selectionsFile: [id] }));
    assert.deepEqual(await snapshots(), before, edit);
  }

  // The machine's clock is what the lock is measured by.
  clock.now += 24 * hourMs;
  await using primary = await start();
  await primary.expect(204, "POST /catalog/expire-images", multipart({ selectionsFile: [id] }));
  await primary.journal.imageDeleted(id);
  assert.equal((await snapshots()).length, before.length - 1);
});
