import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { databaseFile } from "../premises/databases.ts";
import { startPostgresql } from "../testing/postgresql.ts";
import {
  backupTimeOf,
  clientName,
  multipart,
  policyBody,
  recoverPath,
  recoveryRequest,
  startTestPrimary,
  temporaryFolder,
  type TestPrimary,
} from "../testing/test-primary.ts";

const create = "POST /config/policies";

function databasePolicy(name: string, selections: string[], policyType = "PostgreSQL") {
  const body = policyBody(name, selections);
  body.data.attributes.policy.policyType = policyType;
  return body;
}

function snapshotsOf(dataDir: string): { tags: string[] }[] {
  const unit = join(dataDir, "storage", "stu_local");
  const args = ["-r", join(unit, "repository"), "--password-file", join(unit, "password"), "--no-cache"];
  return JSON.parse(execFileSync("restic", [...args, "snapshots", "--json"], { encoding: "utf8" })) as {
    tags: string[];
  }[];
}

/** Restores the dump of an image into a file. */
async function restoreDump(primary: TestPrimary, backupId: string, to: string): Promise<number> {
  const backupTime = backupTimeOf(backupId);
  const request = recoveryRequest(backupTime, false);
  request.data.attributes.recoveryPoint.policyType = "POSTGRESQL";
  const parts = {
    recoveryRequest: request,
    selectionsFile: [{ path: "/postgresql/shop.dump", backupTime }],
  };
  const refused = await primary.call({ method: "POST", path: recoverPath, ...multipart(parts) });
  assert.equal(refused.status, 400);
  const renameFile = [{ from: "/postgresql/shop.dump", to }];
  const answer = await primary.expect(201, `POST ${recoverPath}`, multipart({ ...parts, renameFile }));
  const { id } = (answer.body as { data: { id: number } }).data;
  const { status } = await primary.journal.jobDone(id);
  assert.equal(status, 0, await primary.log(id));
  return id;
}

test("database backup - of a real PostgreSQL comes back the same, and leaves no image when the dump fails", async () => {
  await using folder = await temporaryFolder();
  await using server = await startPostgresql(folder.path);
  const dataDir = join(folder.path, "data");
  await using primary = await startTestPrimary(dataDir);
  const databases = databaseFile(dataDir);
  const shop = { type: "PostgreSQL", host: server.socket, user: "backup", database: "shop" } as const;
  await databases.add({ ...shop, name: "shop", credentialFile: server.credentialFile });
  await server.query("postgres", "CREATE DATABASE shop");
  await server.query("postgres", "CREATE DATABASE copy");
  await server.query(
    "shop",
    "CREATE TABLE goods AS SELECT n, md5(n::text) AS name FROM generate_series(1, 20000) n; CREATE INDEX ON goods (name)",
  );
  const digest = "SELECT count(*), md5(string_agg(n || name, ',' ORDER BY n)) FROM goods";

  // What a policy may name.
  await primary.expect(400, create, { body: databasePolicy("other", ["nowhere"]) });
  await primary.expect(400, create, { body: databasePolicy("other", ["shop"], "MySQL") });
  await primary.expect(501, create, { body: databasePolicy("other", ["shop"], "Oracle") });
  await primary.expect(204, create, { body: databasePolicy("nightly", ["shop"]) });

  const good = await primary.backUp("nightly");
  assert.equal(good.status, 0, await primary.log(good.jobId));
  const job = await primary.job(good.jobId);
  assert.equal(job["policyType"], "DATASTORE");
  assert.ok(Number(job["kilobytesTransferred"]) > 500, JSON.stringify(job));
  const found = await primary.expect(200, `/catalog/images?filter=policyType eq 'PostgreSQL'`);
  assert.match(found.text, new RegExp(good.backupId ?? "-"));
  const points = "/recovery-point-service/workloads/postgresql/recovery-points";
  const ofClient = encodeURIComponent(`clientName eq '${clientName}' and backupType eq 1`);
  const listed = await primary.expect(200, `${points}?filter=${ofClient}`);
  const { data } = listed.body as { data: { id: string; links: { self: { href: string } } }[] };
  assert.deepEqual([data.length, data[0]?.id], [1, good.backupId]);
  await primary.expect(200, `/${data[0]?.links.self.href}`);
  const file = join(folder.path, "restored", "shop.dump");
  await restoreDump(primary, good.backupId ?? "", file);
  await server.restore("copy", file);
  assert.equal(await server.query("copy", digest), await server.query("shop", digest));

  // What leaves no image, and why it says so.
  const isUnharmed = () => {
    const snapshots = snapshotsOf(dataDir);
    assert.deepEqual(snapshots.length, 1);
    assert.ok(!JSON.stringify(snapshots).includes("unconfirmed"));
  };
  const fails = async (name: string, status: number, message: RegExp) => {
    await primary.expect(204, create, { body: databasePolicy(name, [name]) });
    const failed = await primary.backUp(name);
    const log = await primary.log(failed.jobId);
    assert.equal(failed.status, status, log);
    assert.match(log, message);
    assert.ok(!log.includes("right-password") && !log.includes("wrong-password"));
    isUnharmed();
  };
  const wrong = join(folder.path, "wrong");
  await writeFile(wrong, "*:*:*:backup:wrong-password\n", { mode: 0o600 });
  await databases.add({ ...shop, name: "wrong", credentialFile: wrong });
  await fails("wrong", 160, /password authentication failed/);
  const open = join(folder.path, "open");
  await writeFile(open, "*:*:*:backup:wrong-password\n", { mode: 0o644 });
  await databases.add({ ...shop, name: "open", credentialFile: open });
  await fails("open", 160, /others may read/);
  await databases.add({
    ...shop,
    name: "missing",
    database: "missing",
    credentialFile: server.credentialFile,
  });
  await fails("missing", 71, /database "missing" does not exist/);
  await databases.add({ ...shop, name: "program", program: join(folder.path, "no-such-program") });
  await fails("program", 49, /can't be started/);
  // Killed when a part of the dump has reached restic.
  const cut = join(folder.path, "cut");
  await writeFile(cut, '#!/bin/sh\npg_dump "$@" | { head -c 600000; kill -KILL $$; }\n');
  await chmod(cut, 0o755);
  await databases.add({ ...shop, name: "cut", program: cut, credentialFile: server.credentialFile });
  await fails("cut", 6, /ended with SIGKILL/);

  // While something locks the table, the dump waits: cancelled there, and cut off by the server.
  const waits =
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'sallyport' AND wait_event_type = 'Lock'";
  const locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
  const whileLocked = async (act: (pid: string, jobId: number) => Promise<unknown>) => {
    const lock = server.query("shop", "BEGIN; LOCK goods; SELECT pg_sleep(600)").catch(() => "");
    while ((await server.query("shop", locks)) === "0");
    const jobId = await primary.startBackup("nightly");
    let pid = "";
    while (pid === "") pid = await server.query("postgres", waits);
    await act(pid, jobId);
    const { status } = await primary.journal.jobDone(jobId);
    await server.query(
      "postgres",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()",
    );
    await lock;
    isUnharmed();
    return status;
  };
  const cancelled = await whileLocked((_, jobId) => primary.expect(202, `POST /admin/jobs/${jobId}/cancel`));
  assert.equal(cancelled, 150);
  const left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sallyport'";
  while ((await server.query("postgres", left)) !== "0");
  assert.equal(
    await whileLocked((pid) => server.query("postgres", `SELECT pg_terminate_backend(${pid})`)),
    40,
  );

  await server.stop();
  await fails("shop", 25, /connection to server .* failed/);
  assert.equal(clientName, (await primary.job(good.jobId))["clientName"]);
});
