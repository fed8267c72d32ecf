import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { databaseFile } from "../premises/databases.ts";
import { startMariadb } from "../testing/mariadb.ts";
import {
  backupTimeOf,
  multipart,
  policyBody,
  recoverPath,
  recoveryRequest,
  startTestPrimary,
  temporaryFolder,
} from "../testing/test-primary.ts";

test("database backup - of a real MariaDB comes back the same, and says by its status what is wrong", async () => {
  await using folder = await temporaryFolder();
  await using server = await startMariadb(folder.path);
  const dataDir = join(folder.path, "data");
  await using primary = await startTestPrimary(dataDir);
  const databases = databaseFile(dataDir);
  const { credentialFile } = server;
  const shop = { type: "MySQL", host: server.socket, user: "backup", database: "shop" } as const;
  await databases.add({ ...shop, name: "shop", credentialFile });
  await server.query("mysql", "CREATE DATABASE shop; CREATE DATABASE copy");
  await server.query(
    "shop",
    `CREATE TABLE goods (n INT PRIMARY KEY, name VARBINARY(64)) SELECT seq AS n, unhex(sha1(seq)) AS name FROM seq_1_to_5000;
     CREATE TRIGGER big BEFORE INSERT ON goods FOR EACH ROW SET NEW.n = NEW.n + 1`,
  );
  const backUp = async (name: string) => {
    const body = policyBody(name, [name]);
    body.data.attributes.policy.policyType = "MySQL";
    await primary.expect(204, "POST /config/policies", { body });
    const done = await primary.backUp(name);
    const log = await primary.log(done.jobId);
    assert.ok(!log.includes("right-password") && !log.includes("wrong-password"), log);
    return { ...done, log };
  };
  const good = await backUp("shop");
  assert.equal(good.status, 0, good.log);
  const backupTime = backupTimeOf(good.backupId ?? "");
  const request = recoveryRequest(backupTime, false);
  request.data.attributes.recoveryPoint.policyType = "MYSQL";
  const file = join(folder.path, "restored", "shop.sql");
  const parts = {
    recoveryRequest: request,
    selectionsFile: [{ path: "/mysql/shop.sql", backupTime }],
    renameFile: [{ from: "/mysql/shop.sql", to: file }],
  };
  const answer = await primary.expect(201, `POST ${recoverPath}`, multipart(parts));
  const { id } = (answer.body as { data: { id: number } }).data;
  assert.equal((await primary.journal.jobDone(id)).status, 0, await primary.log(id));
  await server.restore("copy", file);
  const checksum = async (database: string) =>
    (await server.query(database, "CHECKSUM TABLE goods")).split("\t")[1];
  assert.equal(await checksum("copy"), await checksum("shop"));
  assert.match(await server.query("copy", "SHOW TRIGGERS"), /^big\t/);

  const wrong = join(folder.path, "wrong.cnf");
  await writeFile(wrong, "[client]\npassword=wrong-password\n", { mode: 0o600 });
  await databases.add({ ...shop, name: "wrong", credentialFile: wrong });
  await databases.add({ ...shop, name: "missing", database: "missing", credentialFile });
  const statuses = [await backUp("wrong"), await backUp("missing")];
  await server.stop();
  await databases.add({ ...shop, name: "off", credentialFile });
  statuses.push(await backUp("off"));
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [160, 71, 25],
    statuses.map(({ log }) => log).join("\n"),
  );
});
