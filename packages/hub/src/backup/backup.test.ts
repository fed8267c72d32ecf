import assert from "node:assert/strict";
import { mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { PrimarySummary } from "../index.ts";
import { HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { backUp } from "./backup.ts";
import { listFiles } from "./files.ts";
import { manifestName } from "./manifest.ts";
import { restore } from "./restore.ts";

const now = () => Date.parse("2026-11-24T12:00:00Z");
const names = async (fixture: HubFixture) =>
  ((await fixture.call({ path: "/api/v1/primaries" })).json() as { data: PrimarySummary[] }).data
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b));

/** A hub with one primary, and a backup of it that was made while it ran. */
async function backedUp(dir: string, withSecrets: boolean) {
  const dataDir = join(dir, "data");
  const to = join(dir, "backup");
  await using fixture = await HubFixture.start({ dataDir });
  await fixture.enrol("before");
  const made = await backUp({ dataDir, to, withSecrets, now });
  await fixture.enrol("after");
  return { ...made, to, ca: fixture.ca };
}

test("backup - of a running hub is restored to what there was, with its certificate, and a log that goes on elsewhere", async () => {
  await using folder = await temporaryFolder();
  const { to, manifest, ca, leftOut } = await backedUp(folder.path, true);
  assert.deepEqual(leftOut, []);
  assert.equal(manifest.madeAt, "2026-11-24T12:00:00.000Z");
  const dataDir = join(folder.path, "new", "data");
  await restore({ from: to, dataDir, dryRun: false, now });
  await using fixture = await HubFixture.start({ dataDir });
  assert.deepEqual(await names(fixture), ["before"]);
  assert.equal(fixture.ca, ca);
  await fixture.hub.close();
  await using log = openSqliteLog({ path: join(dataDir, "log.sqlite"), maxPendingEvents: 1 });
  const events = await log.read({ after: manifest.log.lastPosition, limit: 10 });
  assert.equal(events[0]?.type, "sallyport.hub.restored");
  assert.deepEqual(events[0].data, { backedUpAt: manifest.madeAt, lastPosition: manifest.log.lastPosition });
  // Far beyond what the other hub has given out after the backup.
  assert.ok(events[0].position > manifest.log.lastPosition + 1e9);
  assert.ok(Number.isSafeInteger(events[0].position * 1_000));
});

test("backup - has only what its owner may read, and no keys unless they are asked for", async () => {
  await using folder = await temporaryFolder();
  const { to, manifest, leftOut } = await backedUp(folder.path, false);
  assert.ok(leftOut.includes("tls/server.key") && leftOut.includes("tls/ca.key"));
  const files = await listFiles(to);
  assert.deepEqual(
    files.filter((name) => !name.endsWith(".sqlite")),
    [manifestName],
  );
  assert.ok(files.includes("log.sqlite") && files.includes("details.sqlite"));
  // The log is copied after what refers to it, and before the secrets of the webhooks that it has.
  assert.deepEqual(
    manifest.files.slice(-2).map(({ name }) => name),
    ["log.sqlite", "webhooks.sqlite"],
  );
  assert.equal((await stat(to)).mode & 0o777, 0o700);
  for (const name of files) assert.equal((await stat(join(to, name))).mode & 0o777, 0o600, name);
  const dataDir = join(folder.path, "new");
  await restore({ from: to, dataDir, dryRun: false, now });
  assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
  await using fixture = await HubFixture.start({ dataDir });
  assert.deepEqual(await names(fixture), ["before"]);
});

test("backup - of a hub that was killed has what its write-ahead log holds", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const killed = join(folder.path, "killed");
  await using fixture = await HubFixture.start({ dataDir });
  await fixture.enrol("kept");
  await mkdir(killed);
  for (const name of ["log.sqlite", "log.sqlite-wal"]) {
    await writeFile(join(killed, name), await readFile(join(dataDir, name)));
  }
  const to = join(folder.path, "backup");
  const { manifest } = await backUp({ dataDir: killed, to, withSecrets: false, now });
  assert.ok(manifest.log.events >= 3);
  await restore({ from: to, dataDir: join(folder.path, "new"), dryRun: false, now });
  await using restored = await HubFixture.start({ dataDir: join(folder.path, "new") });
  assert.deepEqual(await names(restored), ["kept"]);
});

test("restore - sends no stored command that the other hub may have sent since", async () => {
  await using folder = await temporaryFolder();
  const [dataDir, to, restored] = ["data", "backup", "new"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await using first = await HubFixture.start({ dataDir });
  const primary = await first.enrol();
  const path = `/api/v1/primaries/${primary.id}/netbackup/admin/jobs/1/cancel`;
  const stored = await first.call({ path, method: "POST", headers: { Prefer: "respond-async" } });
  assert.equal(stored.status, 202);
  const { location } = stored.json() as { location: string };
  await backUp({ dataDir, to, withSecrets: true, now });
  await restore({ from: to, dataDir: restored, dryRun: false, now });
  await using second = await HubFixture.start({ dataDir: restored });
  const url = `${second.url.replace("https", "wss")}/nbwss`;
  const executed: string[] = [];
  await second.dial({ ...primary, endpoint: { ...primary.endpoint, url } }, ({ uri }) => {
    executed.push(uri);
    return Promise.resolve({ status: 200, headers: {}, body: "" });
  });
  // What waited would have gone before this.
  await second.call({ path: `/api/v1/primaries/${primary.id}/netbackup/ping` });
  assert.deepEqual(executed, ["/netbackup/ping"]);
  const { state, mayHaveBeenExecuted } = (await second.call({ path: location })).json() as Record<
    string,
    unknown
  >;
  assert.deepEqual([state, mayHaveBeenExecuted], ["unknown", true]);
});

test("backup - is refused where there is no hub, and into a folder with something in it", async () => {
  await using folder = await temporaryFolder();
  const options = { to: join(folder.path, "backup"), withSecrets: false, now };
  await assert.rejects(backUp({ ...options, dataDir: join(folder.path, "nothing") }), { code: "bad_option" });
  const { to } = await backedUp(folder.path, false);
  await assert.rejects(backUp({ ...options, to, dataDir: join(folder.path, "data") }), {
    code: "bad_option",
  });
});

test("restore - checks without writing, and keeps out of a folder with something in it", async () => {
  await using folder = await temporaryFolder();
  const { to, manifest } = await backedUp(folder.path, false);
  const dataDir = join(folder.path, "new");
  assert.deepEqual(await restore({ from: to, dataDir, dryRun: true, now }), manifest);
  await assert.rejects(stat(dataDir), { code: "ENOENT" });
  await assert.rejects(restore({ from: to, dataDir: join(folder.path, "data"), dryRun: false, now }), {
    code: "bad_option",
  });
  assert.deepEqual(
    (await readdir(folder.path)).sort((a, b) => a.localeCompare(b)),
    ["backup", "data"],
  );
});

const damages: [title: string, damage: (backup: string) => Promise<void>, said: RegExp][] = [
  [
    "a changed file",
    async (backup) => {
      const content = await readFile(join(backup, "log.sqlite"));
      content[content.length - 1] = 255 - (content.at(-1) ?? 0);
      await writeFile(join(backup, "log.sqlite"), content);
    },
    /log\.sqlite of the backup is not as it was made/,
  ],
  [
    "a missing file",
    (backup) => rm(join(backup, "details.sqlite")),
    /details\.sqlite of the backup can't be read/,
  ],
  ["no manifest", (backup) => rm(join(backup, manifestName)), /is no whole backup/],
  [
    "a name that leads out of it",
    async (backup) => {
      const path = join(backup, manifestName);
      await writeFile(path, (await readFile(path, "utf8")).replace("details.sqlite", "../data/log.sqlite"));
    },
    /not of a backup that this version of Sallyport knows/,
  ],
];
for (const [title, damage, said] of damages) {
  test(`restore - refuses a backup with ${title}, and leaves nothing behind`, async () => {
    await using folder = await temporaryFolder();
    const { to } = await backedUp(folder.path, false);
    await damage(to);
    const dataDir = join(folder.path, "new");
    await assert.rejects(restore({ from: to, dataDir, dryRun: false, now }), (error) => {
      assert.equal((error as { code?: string }).code, "bad_backup");
      assert.match((error as Error).message, said);
      return true;
    });
    assert.deepEqual(
      (await readdir(folder.path)).sort((a, b) => a.localeCompare(b)),
      ["backup", "data"],
    );
  });
}
