import assert from "node:assert/strict";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { ServiceConnection } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { NotificationPage } from "../index.ts";
import { Recorder } from "../log/recorder.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { hashSecret } from "../access/secret.ts";
import type { Scope } from "../access/roles.ts";
import { HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";
import { SseReader } from "../testing/sse-reader.ts";

const notify = (connection: ServiceConnection, jobId: number, more: object = {}) =>
  connection.notify(
    randomUUID(),
    [{ notificationType: "INFO", object: "JOB", data: [{ jobId, state: "DONE", ...more }] }],
    { timeoutMs: 20_000 },
  );
const page = async (fixture: HubFixture, query: string, key?: string) => {
  const reply = await fixture.call({
    path: `/api/v1/notifications${query}`,
    ...(key === undefined ? {} : { key }),
  });
  assert.equal(reply.status, 200, reply.text);
  return reply.json() as NotificationPage;
};
const iota = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A data folder in which a key with this scope is known before a hub is started on it. */
async function withKey(dataDir: string, key: string, scope: Scope): Promise<void> {
  await (await HubFixture.start({ dataDir })).hub.close();
  await using log = openSqliteLog({ path: join(dataDir, "log.sqlite"), maxPendingEvents: 10 });
  const recorder = new Recorder({ log, now: Date.now, newId: randomUUID });
  await recorder.record("sallyport.api-key.created", "/hub", {
    id: "limited",
    name: "limited",
    role: "viewer",
    scope,
    keyHash: hashSecret(key),
    expiresAt: null,
  });
}

test("feed - has the hub's own events beside the notifications, filtered by type, primary, label and time", async () => {
  const clock = new ManualClock(Date.parse("2026-11-24T00:00:00Z"));
  await using fixture = await HubFixture.start({ clock });
  const eu = (
    await fixture.post("/api/v1/primaries", { name: "eu", labels: { region: "eu" } })
  ).json() as Awaited<ReturnType<HubFixture["enrol"]>>;
  const us = await fixture.enrol("us");
  const [first, second] = [await fixture.dial(eu), await fixture.dial(us)];
  await notify(first, 1);
  await notify(second, 2);
  const subjects = async (query: string) =>
    (await page(fixture, query)).data.map(({ type }) => type.split(".").slice(1).join("."));
  assert.deepEqual((await subjects("")).toSorted(), [
    "connection.connected",
    "connection.connected",
    "job.done",
    "job.done",
    "primary.enrolled",
    "primary.enrolled",
  ]);
  assert.deepEqual(await subjects(`?primary=${eu.id}`), [
    "primary.enrolled",
    "connection.connected",
    "job.done",
  ]);
  assert.deepEqual(await subjects("?label=region:eu&type=netbackup.&type=sallyport.connection"), [
    "connection.connected",
    "job.done",
  ]);
  assert.deepEqual(await subjects("?label=region:eu&label=tier:1"), []);
  assert.deepEqual(await subjects("?type=sallyport.audit"), []);
  assert.deepEqual(await subjects("?type=netbackup.&since=2026-11-24T00:00:01Z"), []);
  // One hour east of Greenwich.
  assert.deepEqual(await subjects("?type=netbackup.&since=2026-11-24T01:00:00%2B01:00"), [
    "job.done",
    "job.done",
  ]);
  assert.deepEqual(await subjects("?type=netbackup.&until=2026-11-24T00:00:00Z"), []);
  const { next, more } = await page(fixture, "?until=2020-01-01T00:00:00Z");
  assert.ok(next > 5 && !more);
  const closed = fixture.log.next("connection.disconnected");
  await first.close(1001, "going home");
  await closed;
  await fixture.enrol("another");
  const { data } = await page(fixture, "?type=sallyport.connection.disconnected");
  const ended = data[0]?.data as Record<string, unknown>;
  assert.deepEqual([ended["closeCode"], ended["closeReason"]], [1001, "going home"]);
  assert.ok(!JSON.stringify(await page(fixture, "")).includes("Hash"));
});

test("feed - shows a limited key its primaries alone, by page and by stream", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const key = "a-key-for-one-region";
  await withKey(dataDir, key, { kind: "labels", labels: { region: "eu" } });
  await using fixture = await HubFixture.start({ dataDir });
  const other = await fixture.dial(await fixture.enrol("us"));
  await notify(other, 1);
  await using stream = await SseReader.open(fixture, "?after=0", { key });
  assert.deepEqual((await page(fixture, "", key)).data, []);
  const eu = (
    await fixture.post("/api/v1/primaries", { name: "eu", labels: { region: "eu" } })
  ).json() as Awaited<ReturnType<HubFixture["enrol"]>>;
  const mine = await fixture.dial(eu);
  await notify(other, 2);
  await notify(mine, 3);
  await stream.until(() => stream.text.includes('"jobId":3'));
  const sources = new Set(stream.events.map(({ data }) => (JSON.parse(data) as { source: string }).source));
  assert.deepEqual(sources, new Set([`/primaries/${eu.id}`]));
  const { data } = await page(fixture, "", key);
  assert.deepEqual(new Set(data.map(({ source }) => source)), sources);
});

test("feed - finds few among many within a bound, and says where to go on", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const key = "a-key-for-many-primaries";
  const ids = iota(1, 200).map((n) => `p${n}`);
  await withKey(dataDir, key, { kind: "primaries", ids });
  {
    await using log = openSqliteLog({ path: join(dataDir, "log.sqlite"), maxPendingEvents: 100_000 });
    const recorder = new Recorder({ log, now: Date.now, newId: randomUUID });
    const groupId = "g";
    await Promise.all(
      ids.map((id) =>
        recorder.record("sallyport.primary.enrolled", `/primaries/${id}`, {
          id,
          name: id,
          labels: {},
          groupId,
          priority: 1,
          address: null,
          tokenHash: id,
        }),
      ),
    );
    const time = new Date().toISOString();
    const noise = {
      type: "netbackup.job.done",
      source: "/primaries/other",
      subject: "job/1",
      time,
      data: {},
    };
    await log.append(iota(1, 20_000).map((n) => ({ ...noise, id: `n${n}` })));
    await log.append([{ ...noise, id: "wanted", source: "/primaries/p7" }]);
  }
  await using fixture = await HubFixture.start({ dataDir });
  const found: string[] = [];
  let [after, pages, isMore] = [0, 0, true];
  while (isMore) {
    const { data, next, more } = await page(fixture, `?type=netbackup.&after=${after}`, key);
    found.push(...data.map(({ id }) => id));
    assert.ok(next > after || !more);
    [after, pages, isMore] = [next, pages + 1, more];
  }
  assert.deepEqual(found, ["wanted"]);
  assert.ok(pages > 2, `${pages} pages`);
  const direct = await page(fixture, "?type=netbackup.&primary=p7", key);
  assert.deepEqual([direct.data.length, direct.more], [1, false]);
});

test("feed - tells a reader which positions were deleted before it came, by page and by stream", async () => {
  const clock = new ManualClock(Date.parse("2026-11-24T00:00:00Z"));
  await using folder = await temporaryFolder();
  const options = { dataDir: join(folder.path, "data"), clock, limits: { retainNotificationsMs: 1_000 } };
  {
    await using fixture = await HubFixture.start(options);
    const connection = await fixture.dial(await fixture.enrol());
    for (const jobId of iota(1, 5)) await notify(connection, jobId);
    assert.equal((await page(fixture, "?type=netbackup.")).missed, null);
  }
  clock.advance(2_000);
  const trimmed = HubFixture.start(options);
  await using fixture = await trimmed;
  const { data } = await page(fixture, "?type=sallyport.primary");
  assert.equal(data.length, 1);
  // Trimming began with the start; its event is in the log before the first deletion.
  await until(async () => (await page(fixture, "?type=netbackup.")).data.length === 0);
  const { missed, next } = await page(fixture, "?type=netbackup.");
  assert.equal(missed?.from, 1);
  assert.ok(missed.to > 5);
  assert.equal((await page(fixture, `?type=netbackup.&after=${missed.to}`)).missed, null);
  assert.equal((await page(fixture, `?type=netbackup.&after=${next}`)).missed, null);
  assert.equal((await page(fixture, "?type=netbackup.&since=2026-11-24T00:00:01Z")).missed, null);
  await using stream = await SseReader.open(fixture, "?after=2&type=netbackup.");
  await stream.until(() => stream.events.length > 0);
  assert.deepEqual(
    [stream.events[0]?.event, stream.events[0]?.data],
    ["missed", `{"from":3,"to":${missed.to}}`],
  );
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

test("stream - goes from what is stored to what comes without a gap or a double, also after a reconnect", async () => {
  await using fixture = await HubFixture.start({ limits: { defaultPageEvents: 7 } });
  const connection = await fixture.dial(await fixture.enrol());
  const sending = (async () => {
    for (const jobId of iota(1, 300)) await notify(connection, jobId);
  })();
  const jobs = (reader: SseReader) =>
    reader.events.map(({ data }) => (JSON.parse(data) as { data: { jobId: number } }).data.jobId);
  await using first = await SseReader.open(fixture, "?after=0&type=netbackup.");
  await first.until(() => first.events.length >= 40);
  assert.match(first.text, /^retry: [1-5]\d\d\d\n\n/);
  first.response.destroy();
  const got = jobs(first);
  assert.deepEqual(got, iota(1, got.length));
  const id = first.events.at(-1)?.id ?? "";
  // Last-Event-ID goes before what the address says.
  await using second = await SseReader.open(fixture, "?after=0&type=netbackup.", {
    headers: { "Last-Event-ID": id },
  });
  await sending;
  await second.until(() => second.events.length >= 300 - got.length);
  assert.deepEqual(jobs(second), iota(got.length + 1, 300));
  await using live = await SseReader.open(fixture, "?type=netbackup.");
  await notify(connection, 301);
  await live.until(() => live.events.length === 1);
  assert.deepEqual(jobs(live), [301]);
});

test("stream - cuts off a reader that stops to read, which goes on without loss", async () => {
  await using fixture = await HubFixture.start({ limits: { maxStreamBufferBytes: 300_000 } });
  const connection = await fixture.dial(await fixture.enrol());
  const note = "x".repeat(100_000);
  await using other = await SseReader.open(fixture, "?after=0&type=netbackup.");
  await using stalled = await SseReader.open(fixture, "?after=0&type=netbackup.", { isPaused: true });
  const cut = fixture.log.next("feed.stream_cut");
  let sent = 0;
  const cuts = () => fixture.log.all("feed.stream_cut").length;
  while (cuts() === 0) await notify(connection, (sent += 1), { note });
  assert.equal((await cut)["code"], "slow");
  stalled.resume();
  await stalled.until(() => stalled.isEnded);
  const last = stalled.events.at(-1);
  assert.equal(last?.event, "cut");
  assert.match(last.data, /too slow/);
  const got = stalled.positions();
  const headers = { "Last-Event-ID": String(got.at(-1) ?? 0) };
  await using again = await SseReader.open(fixture, "?after=0&type=netbackup.", { headers });
  await again.until(() => again.events.length >= sent - got.length);
  await other.until(() => other.events.length >= sent);
  assert.deepEqual([...got, ...again.positions()], other.positions());
  assert.equal(new Set(other.positions()).size, sent);
});

test("stream - beats, and cuts off a reader that takes nothing of what is stored", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock });
  const connection = await fixture.dial(await fixture.enrol());
  for (const jobId of iota(1, 100)) await notify(connection, jobId, { note: "x".repeat(200_000) });
  await using stalled = await SseReader.open(fixture, "?after=0&type=netbackup.", { isPaused: true });
  await using idle = await SseReader.open(fixture, "");
  const cut = fixture.log.next("feed.stream_cut");
  clock.advance(15_000);
  await idle.until(() => idle.text.includes(": beat"));
  assert.match(idle.text, /: beat\nid: \d+\n\n/);
  while (fixture.log.all("feed.stream_cut").length === 0) {
    clock.advance(15_000);
    // What the kernel takes meanwhile counts as read; one answer later it has taken what it can.
    await page(fixture, "?limit=1");
  }
  assert.equal((await cut)["code"], "slow");
  clock.advance(10_000);
  stalled.resume();
  await stalled.until(() => stalled.isEnded);
});

test("stream - is bounded in number, and ends with a reason when the hub stops", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock, limits: { maxFeedStreamsPerCaller: 2 } });
  await using first = await SseReader.open(fixture, "");
  await using second = await SseReader.open(fixture, "");
  const refused = await fixture.call({ path: "/api/v1/notifications/stream" });
  assert.equal(refused.status, 429);
  assert.equal((refused.json() as { code: string }).code, "limit_reached");
  second.response.destroy();
  const free = async () => (await SseReader.open(fixture, "").then((reader) => ({ reader }))).reader;
  await until(async () => {
    await using third = await free();
    return third.response.statusCode === 200;
  });
  for (const path of ["?after=x", "?type=A", "?label=x", "?nonsense=1"]) {
    assert.equal((await fixture.call({ path: `/api/v1/notifications/stream${path}` })).status, 400, path);
  }
  await fixture.hub.close();
  await first.until(() => first.isEnded);
  assert.match(first.events.at(-1)?.data ?? "", /restarting/);
});
