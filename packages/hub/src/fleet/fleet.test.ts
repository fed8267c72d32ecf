import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import type { ServiceConnection } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { Image, Job, JobSummary, LastGoodBackup, PrimaryWithoutBackup } from "../index.ts";
import { hashSecret } from "../access/secret.ts";
import { Recorder } from "../log/recorder.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { adminKey, HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";

const hourMs = 3_600_000;
const nowMs = Date.parse("2026-11-24T12:00:00Z");
const hoursAgo = (hours: number) => (nowMs - hours * hourMs) / 1000;

type Item = Record<string, unknown>;

async function send(connection: ServiceConnection, object: "JOB" | "IMAGE", ...data: Item[]): Promise<void> {
  await connection.notify(randomUUID(), [{ notificationType: "INFO", object, data }], { timeoutMs: 30_000 });
}

const job = (jobId: number, more: Item = {}): Item => ({
  jobId,
  parentJobId: jobId,
  jobType: "BACKUP",
  state: "DONE",
  status: 0,
  policyName: "nightly",
  policyType: "STANDARD",
  scheduleType: "ST_FULL",
  clientName: "db1",
  startTime: hoursAgo(1),
  ...more,
});
const image = (backupId: string, operationId: string, backupTime: number): Item => ({
  backupId,
  clientName: "db1",
  clientType: "STANDARD",
  backupTime,
  createdTime: backupTime,
  operationId,
});

/** A hub with three primaries, two of them connected. */
async function startFleet(options: { dataDir?: string } = {}) {
  const clock = new ManualClock(nowMs);
  const fixture = await HubFixture.start({ clock, ...options });
  const enrol = async (name: string, site: string) => {
    const reply = await fixture.post("/api/v1/primaries", { name, labels: { site } });
    return reply.json() as Awaited<ReturnType<HubFixture["enrol"]>>;
  };
  const vienna = await enrol("vienna", "at");
  const graz = await enrol("graz", "at");
  const bern = await enrol("bern", "ch");
  return { fixture, clock, vienna, graz, bern };
}

async function get<Page extends { data: unknown[] }>(
  fixture: HubFixture,
  path: string,
  key = adminKey,
): Promise<Page & { next: string | null }> {
  const reply = await fixture.call({ path, key });
  assert.equal(reply.status, 200, reply.text);
  return reply.json() as Page & { next: string | null };
}

/** Writes a key that may only see the primaries of a site into the log of a hub that does not run. */
async function addKey(dataDir: string, key: string, site: string): Promise<void> {
  await using log = openSqliteLog({ path: join(dataDir, "log.sqlite"), maxPendingEvents: 10 });
  const recorder = new Recorder({ log, now: () => nowMs, newId: randomUUID });
  const scope = { kind: "labels", labels: { site } } as const;
  const data = {
    id: site,
    name: site,
    role: "viewer",
    scope,
    keyHash: hashSecret(key),
    expiresAt: null,
  } as const;
  await recorder.record("sallyport.api-key.created", `/api-keys/${site}`, data);
}

test("fleet - jobs of all primaries are listed, filtered, sorted and counted", async () => {
  const { fixture, vienna, bern } = await startFleet();
  await using _ = fixture;
  const first = await fixture.dial(vienna);
  const second = await fixture.dial(bern);
  await send(
    first,
    "JOB",
    job(1),
    job(2, { status: 6, startTime: hoursAgo(2) }),
    job(3, { state: "ACTIVE", startTime: hoursAgo(3) }),
  );
  await send(
    second,
    "JOB",
    job(1, { status: 1, clientName: "web", startTime: hoursAgo(4) }),
    job(2, { jobType: "RESTORE", startTime: hoursAgo(30) }),
  );
  const list = async (query: string) => {
    const { data } = await get<{ data: Job[] }>(fixture, `/api/v1/jobs?${query}`);
    return data.map(({ primaryName, jobId }) => `${primaryName} ${jobId}`);
  };
  assert.deepEqual(await list(""), ["vienna 1", "vienna 2", "vienna 3", "bern 1", "bern 2"]);
  const table: [query: string, expected: string[]][] = [
    ["sort=startTime&limit=2", ["bern 2", "bern 1"]],
    ["sort=-updatedAt&limit=1", ["bern 2"]],
    ["sort=client", ["bern 2", "vienna 3", "vienna 2", "vienna 1", "bern 1"]],
    ["sort=-status&limit=2", ["vienna 2", "bern 1"]],
    [`primary=${bern.id}`, ["bern 1", "bern 2"]],
    ["primary=unknown", []],
    ["label=site:ch&status=partial", ["bern 1"]],
    ["label=site:ch&label=site:at", []],
    ["status=failed", ["vienna 2"]],
    ["status=6", ["vienna 2"]],
    ["status=0", ["vienna 1", "bern 2"]],
    ["status=ok&type=RESTORE", ["bern 2"]],
    ["state=ACTIVE", ["vienna 3"]],
    ["client=web&policy=nightly", ["bern 1"]],
    [`since=${new Date(nowMs - 2.5 * hourMs).toISOString()}`, ["vienna 1", "vienna 2"]],
    [`until=${new Date(nowMs - 5 * hourMs).toISOString()}`, ["bern 2"]],
  ];
  for (const [query, expected] of table) assert.deepEqual(await list(query), expected, query);
  const { data: one, next } = await get<{ data: Job[] }>(fixture, "/api/v1/jobs?limit=1");
  assert.deepEqual(one, [
    {
      primaryId: vienna.id,
      primaryName: "vienna",
      jobId: 1,
      parentJobId: 1,
      jobType: "BACKUP",
      state: "DONE",
      status: 0,
      policyName: "nightly",
      policyType: "STANDARD",
      scheduleType: "ST_FULL",
      clientName: "db1",
      startTime: new Date(nowMs - hourMs).toISOString(),
      updatedAt: new Date(nowMs).toISOString(),
    },
  ]);
  assert.deepEqual(await list(`limit=1&cursor=${next}`), ["vienna 2"]);
  for (const query of [
    `sort=client&cursor=${next}`,
    "cursor=x",
    "state=LOST",
    "status=-1",
    "x=1",
    "label=x",
  ]) {
    assert.equal((await fixture.call({ path: `/api/v1/jobs?${query}` })).status, 400, query);
  }
  const summary = (await fixture.call({ path: "/api/v1/jobs/summary" })).json() as JobSummary;
  const none = { queued: 0, active: 0, ok: 0, partial: 0, failed: 0 };
  assert.deepEqual(summary, {
    since: new Date(nowMs - 24 * hourMs).toISOString(),
    total: { ...none, active: 1, ok: 1, partial: 1, failed: 1 },
    primaries: [
      { primaryId: bern.id, primaryName: "bern", ...none, partial: 1 },
      { primaryId: vienna.id, primaryName: "vienna", ...none, active: 1, ok: 1, failed: 1 },
    ],
  });
});

test("fleet - images are listed; deleted ones and those without a local copy say so", async () => {
  const { fixture, vienna } = await startFleet();
  await using _ = fixture;
  const primary = await fixture.dial(vienna);
  await send(primary, "IMAGE", image("db1_1", "CREATE", 1_000_000), image("db1_2", "CREATE", 2_000_000));
  await send(primary, "IMAGE", image("db1_1", "UPDATE", 1_000_000), image("db1_1", "DELETE", 1_000_000));
  await send(primary, "IMAGE", image("db1_2", "NO_LOCAL_COPY_AVAILABLE", 2_000_000));
  const shown = async (query: string) => {
    const { data } = await get<{ data: Image[] }>(fixture, `/api/v1/images?${query}`);
    return data.map(({ backupId, deleted, hasLocalCopy }) => [backupId, deleted, hasLocalCopy]);
  };
  assert.deepEqual(await shown(""), [["db1_2", false, false]]);
  const all = [
    ["db1_1", true, false],
    ["db1_2", false, false],
  ];
  assert.deepEqual(await shown("deleted=true&sort=backupTime"), all);
  assert.deepEqual(await shown("client=nobody"), []);
});

test("fleet - says the last good backup of each client and policy, and which primaries have none", async () => {
  const { fixture, clock, vienna, graz, bern } = await startFleet();
  await using _ = fixture;
  const primary = await fixture.dial(vienna);
  await send(primary, "JOB", job(1), job(2, { status: 6, startTime: hoursAgo(0.5) }));
  await send(primary, "JOB", job(3, { clientName: "web", status: 1, startTime: hoursAgo(30) }));
  await send(primary, "JOB", job(4, { clientName: "mail", state: "ACTIVE" }));
  const list = async (query: string) => {
    const { data } = await get<{ data: LastGoodBackup[] }>(fixture, `/api/v1/backups/last-good?${query}`);
    return data.map(({ clientName, lastGoodAt, lastGoodJobId, isPartial, lastStatus }) => {
      return [
        clientName,
        lastGoodAt === null ? null : (nowMs - Date.parse(lastGoodAt)) / hourMs,
        lastGoodJobId,
        isPartial,
        lastStatus,
      ];
    });
  };
  const mail = ["mail", null, null, false, null];
  const web = ["web", 30, 3, true, 1];
  assert.deepEqual(await list(""), [["db1", 1, 1, false, 6], mail, web]);
  assert.deepEqual(await list("missingForHours=26"), [mail, web]);
  assert.deepEqual(await list("client=web"), [web]);
  const { next } = await get(fixture, "/api/v1/backups/last-good?limit=2");
  assert.deepEqual(await list(`limit=2&cursor=${next}`), [web]);
  const silent = async (query: string) => {
    const { data } = await get<{ data: PrimaryWithoutBackup[] }>(
      fixture,
      `/api/v1/backups/silent-primaries?${query}`,
    );
    return data.map(({ primaryName }) => primaryName);
  };
  assert.deepEqual(await silent(""), ["bern", "graz"]);
  assert.deepEqual(await silent("label=site:ch"), ["bern"]);
  clock.advance(26 * hourMs);
  assert.deepEqual(await silent("limit=2"), ["bern", "graz"]);
  assert.deepEqual(await silent("hours=200"), ["bern", "graz"]);
  assert.deepEqual(await silent("hours=26"), ["bern", "graz", "vienna"]);
  assert.ok(graz.id !== bern.id);
});

test("fleet - a caller sees only the primaries of its scope, and nothing is left of a deleted one", async () => {
  await using folder = await temporaryFolder();
  const key = "the-key-of-a-swiss-viewer";
  await addKey(folder.path, key, "ch");
  const { fixture, vienna, bern } = await startFleet({ dataDir: folder.path });
  await using _ = fixture;
  for (const enrolled of [vienna, bern]) {
    const primary = await fixture.dial(enrolled);
    await send(primary, "JOB", job(1));
    await send(primary, "IMAGE", image("db1_1", "CREATE", 1_000_000));
  }
  const seen = async (path: string, key?: string) => {
    const { data } = await get<{ data: { primaryName: string }[] }>(fixture, path, key);
    return data.map(({ primaryName }) => primaryName).sort((a, b) => a.localeCompare(b));
  };
  const lists = ["/api/v1/jobs", "/api/v1/images", "/api/v1/backups/last-good"];
  for (const path of lists) assert.deepEqual(await seen(path), ["bern", "vienna"], path);
  for (const path of lists) {
    assert.deepEqual(await seen(path, key), ["bern"], path);
    assert.deepEqual(await seen(`${path}?primary=${vienna.id}`, key), [], path);
    assert.deepEqual(await seen(`${path}?label=site:at`, key), [], path);
  }
  assert.deepEqual(await seen("/api/v1/backups/silent-primaries", key), []);
  assert.deepEqual(await seen("/api/v1/backups/silent-primaries?hours=1"), ["graz"]);
  const summary = (await fixture.call({ path: "/api/v1/jobs/summary", key })).json() as JobSummary;
  assert.deepEqual(
    [summary.total.ok, summary.primaries.map(({ primaryName }) => primaryName)],
    [1, ["bern"]],
  );
  assert.equal((await fixture.call({ path: `/api/v1/primaries/${bern.id}`, method: "DELETE" })).status, 204);
  for (const path of lists) assert.deepEqual(await seen(path), ["vienna"], path);
});
