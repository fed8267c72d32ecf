import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import pino from "pino";
import { recoverCatalogue } from "../catalogue/recover-catalogue.ts";
import { makeQuickRepository } from "../testing/quick-repository.ts";
import {
  hasS3Server,
  startRestServer,
  startS3Server,
  startSshd,
  type StorageServerProcess,
} from "../testing/storage-servers.ts";
import {
  multipart,
  policyBody,
  startTestPrimary,
  temporaryFolder,
  TestJournal,
  type TestPrimary,
} from "../testing/test-primary.ts";

/** Makes a storage unit, its disk pool and its server as a client of NetBackup would, one after the other. */
async function addStorage(
  primary: TestPrimary,
  name: string,
  server: Pick<StorageServerProcess, "definition"> | undefined,
  volume: string,
): Promise<void> {
  const servers = await primary.expect(200, "/storage/storage-servers");
  let [{ id }] = (servers.body as { data: [{ id: string }] }).data;
  if (server !== undefined) {
    const attributes = { name, storageCategory: "OPEN_STORAGE", sallyport: server.definition };
    const made = await primary.expect(201, "POST /storage/storage-servers", {
      body: { data: { type: "storageServer", id: "", attributes } },
    });
    ({ id } = (made.body as { data: { id: string } }).data);
  }
  await primary.expect(201, "POST /storage/disk-pools", {
    body: {
      data: {
        type: "diskPool",
        attributes: { name: `${name}-pool`, diskVolumes: [{ name: volume }] },
        relationships: { storageServers: { data: [{ type: "storageServer", id }] } },
      },
    },
  });
  await primary.expect(201, "POST /storage/storage-units", {
    body: {
      data: {
        type: "storageUnit",
        attributes: { name, maxConcurrentJobs: 3 },
        relationships: { diskPool: { data: { type: "diskPool", id: `${name}-pool` } } },
      },
    },
  });
}

/** Makes a policy that goes to a storage unit. */
async function addPolicy(primary: TestPrimary, storage: string, selection: string): Promise<void> {
  const body = policyBody(storage, [selection]);
  const { policy } = body.data.attributes;
  const policyAttributes = { ...policy.policyAttributes, storage };
  const changed = {
    ...body,
    data: { ...body.data, attributes: { policy: { ...policy, policyAttributes } } },
  };
  await primary.expect(204, "POST /config/policies/", { body: changed });
}

const selectionsFile = (...backupIds: string[]) => multipart({ selectionsFile: backupIds });

test("storage units - on a disk, an SFTP, REST and S3 server and by rclone: back up, list, restore, verify, expire, and are recovered", async (t) => {
  await using folder = await temporaryFolder();
  await using servers = new AsyncDisposableStack();
  const dataDir = join(folder.path, "data");
  const source = join(folder.path, "source");
  await writeFile(source, "precious");
  const ran = join(folder.path, "ran");
  const resticProgram = join(folder.path, "restic");
  // Everything that others on the machine could see of restic, and what its own environment has.
  await writeFile(resticProgram, `#!/bin/sh\n{ env; echo "$@"; } >> '${ran}'\nexec restic "$@"\n`);
  await chmod(resticProgram, 0o700);
  const disk = join(folder.path, "disk");
  const remote = join(folder.path, "by-rclone");
  await mkdir(disk);
  const started: Record<string, StorageServerProcess> = {
    sftp: servers.use(await startSshd(join(folder.path, "sshd"))),
    rest: servers.use(await startRestServer(join(folder.path, "rest"))),
  };
  if (hasS3Server()) started["s3"] = servers.use(await startS3Server(join(folder.path, "s3")));
  else t.diagnostic("this rclone has no S3 server (1.65 and later has): S3 is left out");
  const rclone = { definition: { kind: "rclone", config: "[store]\ntype = local\n" } };
  const volumes: [name: string, server: Pick<StorageServerProcess, "definition"> | undefined, string][] = [
    ["disk", undefined, disk],
    ["rclone", rclone, `store:${remote}`],
    ...Object.entries(started).map(
      ([kind, server]) => [kind, server, server.volume("unit")] as (typeof volumes)[0],
    ),
  ];
  const secrets = Object.values(started).flatMap((server) => server.secrets);
  const kept: { unit: string; backupId: string }[] = [];
  const shown: string[] = [];

  const useAll = async (unit: string, primary: TestPrimary) => {
    await addPolicy(primary, unit, source);
    const made = [await primary.backUp(unit), await primary.backUp(unit)];
    for (const { status, jobId } of made) assert.equal(status, 0, await primary.log(jobId));
    const [first = "", second = ""] = made.map(({ backupId }) => backupId ?? "");
    const image = await primary.expect(200, `/catalog/images/${first}`);
    assert.match(image.text, new RegExp(`"mediaId":"${unit}"`));
    const opened = await primary.expect(202, `/catalog/images/${first}/contents`);
    const { requestId } = opened.body as { requestId: string };
    assert.match(
      (await primary.expect(200, `/catalog/images/contents/${requestId}`)).text,
      /"\/[^"]+source"/,
    );
    const copy = join(folder.path, `restored-${unit}`);
    const restored = await primary.restore({
      backupId: first,
      paths: [source],
      renames: [{ from: source, to: copy }],
    });
    assert.equal(restored.status, 0, await primary.log(restored.jobId));
    assert.equal(await readFile(copy, "utf8"), "precious");
    const verified = await primary.expect(202, "POST /catalog/verify-images", selectionsFile(first));
    const verifyJob = Number(/\d+$/.exec(String(verified.headers["location"]))?.[0]);
    assert.equal((await primary.journal.jobDone(verifyJob)).status, 0, await primary.log(verifyJob));
    // The unit holds images: it can't go.
    const refused = await primary.expect(409, `DELETE /storage/storage-units/${unit}`);
    assert.match(refused.text, /2 images lie on it/);
    await primary.expect(204, "POST /catalog/expire-images", selectionsFile(second));
    await primary.journal.imageDeleted(second);
    kept.push({ unit, backupId: first });
    const resources = [`storage-units/${unit}`, `disk-pools/${unit}-pool`, "storage-servers?page[limit]=100"];
    for (const path of resources) shown.push((await primary.expect(200, `/storage/${path}`)).text);
    shown.push(await primary.log(restored.jobId));
  };

  {
    await using primary = await startTestPrimary(dataDir, { resticProgram });
    for (const [name, server, volume] of volumes) await addStorage(primary, name, server, volume);
    // Making a repository is tried with the disk and the REST server; these are there already, and open quickly.
    for (const kind of ["sftp", "s3"]) {
      const folderOf = started[kind]?.folderOf;
      if (folderOf !== undefined) makeQuickRepository(dataDir, kind, folderOf("unit"));
    }
    makeQuickRepository(dataDir, "rclone", remote);
    await Promise.all(volumes.map(([name]) => useAll(name, primary)));
    await addPolicy(primary, "stu_local", source);
    kept.push({ unit: "stu_local", backupId: (await primary.backUp("stu_local")).backupId ?? "" });
  }
  const everything = shown.join("\n") + (await readFile(ran, "utf8"));
  for (const secret of secrets) assert.ok(!everything.includes(secret), "a secret was shown");
  for (const file of await readdir(join(dataDir, "storage"), { recursive: true, withFileTypes: true })) {
    const isOurs = file.isFile() && !file.parentPath.includes("/repository");
    if (isOurs && !file.parentPath.includes("/restic/")) {
      const { mode } = await stat(join(file.parentPath, file.name));
      assert.equal(mode & 0o077, 0, `${file.parentPath}/${file.name}`);
    }
  }

  // The database is lost; one server is away at first.
  for (const end of ["", "-wal", "-shm"]) await rm(join(dataDir, `primary.db${end}`), { force: true });
  const recover = (dryRun: boolean) =>
    recoverCatalogue({
      dataDir,
      dryRun,
      log: pino({ level: "silent" }),
      journal: () => new TestJournal(),
    });
  await started["sftp"]?.stop();
  const partly = await recover(true);
  assert.equal(partly.recovered, kept.length - 1);
  assert.deepEqual(
    partly.unreachable.map(({ storageUnit }) => storageUnit),
    ["sftp"],
  );
  assert.match(partly.unreachable[0]?.reason ?? "", /Connection refused/);
  await started["sftp"]?.start();
  const done = await recover(false);
  assert.deepEqual(done, {
    images: kept.length,
    recovered: kept.length,
    removed: 0,
    lost: 0,
    unreachable: [],
  });
  await using primary = await startTestPrimary(dataDir);
  for (const { unit, backupId } of kept) {
    assert.match(
      (await primary.expect(200, `/catalog/images/${backupId}`)).text,
      new RegExp(`"mediaId":"${unit}"`),
    );
  }
});
