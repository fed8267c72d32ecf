import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { NotificationEntry, ServiceConnection } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { EnrolledPrimary, NotificationPage } from "../index.ts";
import { HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";
import { toIncomingItems } from "./notification-events.ts";

const entry = (object: string, ...data: Record<string, unknown>[]): NotificationEntry => ({
  notificationType: "INFO",
  object,
  data,
});
const job = (state: string, more: Record<string, unknown> = {}) => ({
  jobId: 7,
  parentJobId: 7,
  jobType: "BACKUP",
  state,
  status: 0,
  policyName: "daily",
  policyType: "STANDARD",
  scheduleType: "ST_FULL",
  clientName: "client",
  startTime: 1,
  ...more,
});
const image = { backupId: "client_1", clientName: "client", operationId: "NO_LOCAL_COPY_AVAILABLE", x: [1] };
const wait = { timeoutMs: 20_000 };
const notify = (connection: ServiceConnection, entries: NotificationEntry[], id: string = randomUUID()) =>
  connection.notify(id, entries, wait);
const feed = async (fixture: HubFixture, query = "") =>
  (
    await fixture.call({ path: `/api/v1/notifications${query === "" ? "?type=netbackup." : query}` })
  ).json() as NotificationPage;
const types = async (fixture: HubFixture, query = "") =>
  (await feed(fixture, query)).data.map(({ type }) => type);
const at = (fixture: HubFixture, { endpoint, ...rest }: EnrolledPrimary): EnrolledPrimary => ({
  ...rest,
  endpoint: { ...endpoint, url: `${fixture.url.replace("https", "wss")}/nbwss` },
});

test("notification events - say what happened, and keep what is not understood", () => {
  const payload = [
    entry("JOB", job("ACTIVE"), { state: "DONE" }, job("MADE UP STATE")),
    entry("IMAGE", image, { backupId: "b" }),
    entry("Storage-Unit", { free: 1 }),
  ];
  const items = toIncomingItems("p1", { id: "0d3b0e5c-7a53-4c29-9b1c-111111111111", payload }, "t");
  assert.deepEqual(
    items.map(({ event: { type, subject }, hasSubject }) => [type, subject, hasSubject]),
    [
      ["netbackup.job.active", "job/7", true],
      ["netbackup.job.unknown", "job", false],
      ["netbackup.job.unknown", "job", false],
      ["netbackup.image.no_local_copy_available", "image/client_1", true],
      ["netbackup.image.unknown", "image", false],
      ["netbackup.storage_unit.unknown", "storage_unit", false],
    ],
  );
  assert.deepEqual(
    items.map(({ event }) => event.data),
    payload.flatMap(({ data }) => data),
  );
  assert.match(items[0]?.event.id ?? "", /^p1\.0D3B0E5C-7A53-4C29-9B1C-111111111111\.0\.[0-9a-f]{8}$/);
});

test("inbox - stores each item once, before it is acknowledged", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const connection = await fixture.dial(primary);
  await notify(connection, [entry("JOB", job("ACTIVE")), entry("IMAGE", image)]);
  const { data } = await feed(fixture);
  assert.deepEqual(
    data.map(({ type, source, subject, specversion, data }) => ({
      type,
      source,
      subject,
      specversion,
      data,
    })),
    [
      { type: "netbackup.job.active", subject: "job/7", data: job("ACTIVE") },
      { type: "netbackup.image.no_local_copy_available", subject: "image/client_1", data: image },
    ].map((expected) => ({ ...expected, source: `/primaries/${primary.id}`, specversion: "1.0" })),
  );
  await notify(connection, []);
  assert.equal((await feed(fixture)).data.length, 2);
});

test("inbox - knows a resend by its id, in either case, also after a restart", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const id = randomUUID();
  const first = await HubFixture.start({ dataDir });
  const primary = await first.enrol();
  const connection = await first.dial(primary);
  await notify(connection, [entry("JOB", job("ACTIVE")), entry("Other", { a: 1 })], id);
  await notify(connection, [entry("JOB", job("DONE"))]);
  await notify(connection, [entry("JOB", job("ACTIVE")), entry("Other", { a: 1 })], id.toUpperCase());
  await first[Symbol.asyncDispose]();
  await using second = await HubFixture.start({ dataDir });
  const again = await second.dial(at(second, primary));
  await notify(again, [entry("JOB", job("ACTIVE")), entry("Other", { a: 1 })], id);
  const expected = ["netbackup.job.active", "netbackup.other.unknown", "netbackup.job.done"];
  assert.deepEqual(await types(second), expected);
});

test("inbox - knows a resend under a new id by its content, also after a restart, and drops no real change", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock(Date.now());
  const options = { dataDir: join(folder.path, "data"), clock };
  const first = await HubFixture.start(options);
  const primary = await first.enrol();
  const connection = await first.dial(primary);
  await notify(connection, [entry("JOB", job("ACTIVE"))]);
  await notify(connection, [entry("JOB", job("ACTIVE"))]);
  await notify(connection, [entry("JOB", job("QUEUED"))]);
  await notify(connection, [entry("JOB", job("ACTIVE"))]);
  const sofar = ["netbackup.job.active", "netbackup.job.queued", "netbackup.job.active"];
  assert.deepEqual(await types(first), sofar);
  const reordered = Object.fromEntries(Object.entries(job("ACTIVE")).toReversed());
  await Promise.all([
    notify(connection, [entry("JOB", reordered), entry("JOB", job("DONE"))]),
    notify(connection, [entry("JOB", job("DONE"))]),
  ]);
  await first[Symbol.asyncDispose]();
  await using second = await HubFixture.start(options);
  const again = await second.dial(at(second, primary));
  await notify(again, [entry("JOB", job("DONE"))]);
  assert.deepEqual(await types(second), [...sofar, "netbackup.job.done"]);
  const other = await second.dial(await second.enrol("other"));
  await notify(other, [entry("JOB", job("DONE"))]);
  assert.equal((await feed(second)).data.length, 5);
  // So much time at once costs every connection its heartbeat.
  clock.advance(600_001);
  const later = await second.dial(at(second, primary));
  await notify(later, [entry("JOB", job("DONE"))]);
  assert.equal((await feed(second)).data.length, 6);
});

test("feed - pages, filters, and refuses bad values by their name", async () => {
  await using fixture = await HubFixture.start();
  const [a, b] = [await fixture.enrol("a"), await fixture.enrol("b")];
  const [first, second] = [await fixture.dial(a), await fixture.dial(b)];
  for (let jobId = 1; jobId <= 5; jobId += 1) await notify(first, [entry("JOB", job("DONE", { jobId }))]);
  await notify(second, [entry("IMAGE", image)]);
  const subjects: string[] = [];
  let next = 0;
  for (let page = 0; page < 4; page += 1) {
    const found = await feed(fixture, `?type=netbackup.&limit=2&after=${next}`);
    subjects.push(...found.data.map(({ subject }) => subject));
    next = found.next;
  }
  assert.deepEqual(subjects, ["job/1", "job/2", "job/3", "job/4", "job/5", "image/client_1"]);
  assert.deepEqual(await feed(fixture, `?type=netbackup.&after=${next}`), {
    data: [],
    next,
    more: false,
    last: next,
    missed: null,
  });
  assert.deepEqual(await types(fixture, `?type=netbackup.&primary=${b.id}`), [
    "netbackup.image.no_local_copy_available",
  ]);
  assert.equal((await types(fixture, "?type=netbackup.job")).length, 5);
  assert.deepEqual(await types(fixture, "?type=sallyport.primary"), [
    "sallyport.primary.enrolled",
    "sallyport.primary.enrolled",
  ]);
  for (const [name, value] of [
    ["after", "-1"],
    ["after", "x"],
    ["limit", "0"],
    ["limit", "1001"],
    ["limit", "1.5"],
    ["type", "A%25"],
    ["primary", ""],
    ["since", "1"],
  ]) {
    const reply = await fixture.call({ path: `/api/v1/notifications?${name}=${value}` });
    assert.equal(reply.status, 400, `${name}=${value}`);
    assert.match((reply.json() as { detail: string }).detail, new RegExp(name ?? ""));
  }
  assert.equal((await fixture.call({ path: "/api/v1/notifications", key: null })).status, 401);
});

test("inbox - leaves unacknowledged what a full disk can't take, and takes it when there is room", async () => {
  const mount = await mkdtemp(join(tmpdir(), "sallyport-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", mount]);
  const clock = new ManualClock(Date.now());
  try {
    await using fixture = await HubFixture.start({ dataDir: join(mount, "data"), clock });
    const connection = await fixture.dial(await fixture.enrol());
    // Events are written in their order: with this one, what connecting had to write is on the disk too.
    await fixture.enrol("another");
    const filler = join(mount, "filler");
    const { bavail, bsize } = await statfs(mount);
    await writeFile(filler, Buffer.alloc(bavail * bsize, 1));
    const big = [entry("JOB", job("DONE", { note: "x".repeat(500_000) }))];
    const notStored = fixture.log.next("notification.not_stored");
    const id = randomUUID();
    const giveUp = new AbortController();
    const unacknowledged = connection.notify(id, big, { timeoutMs: 60_000, signal: giveUp.signal });
    await notStored;
    assert.equal((await fixture.call({ path: "/healthz", key: null })).status, 503);
    giveUp.abort();
    await assert.rejects(unacknowledged, { code: "cancelled" });
    await truncate(filler, 0);
    assert.equal((await fixture.call({ path: "/healthz", key: null })).status, 200);
    await notify(connection, big, id);
    assert.deepEqual(await types(fixture), ["netbackup.job.done"]);
  } finally {
    execFileSync("umount", [mount]);
    await rm(mount, { recursive: true });
  }
});
