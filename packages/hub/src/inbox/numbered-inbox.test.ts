import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import type { Gap, NotificationEntry, ServiceConnection } from "@sallyport/nbwss";
import type { Alert, EnrolledPrimary, NotificationPage, PrimarySummary, TimelineEntry } from "../index.ts";
import { HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";

const wait = { timeoutMs: 20_000 };
const job = (jobId: number, state = "ACTIVE"): NotificationEntry[] => [
  { notificationType: "INFO", object: "JOB", data: [{ jobId, state }] },
];
const gap = (from: number, to: number): Gap => ({
  from,
  to,
  count: to - from + 1,
  sinceMs: 1_000,
  untilMs: 2_000,
  reason: "outbox_full",
});

/** A connection of a primary that numbers what it tells. */
async function numbered(fixture: HubFixture, primary: EnrolledPrimary, journal?: string) {
  const connection = await fixture.dial(primary);
  const hello = await connection.hello(20_000);
  const standing = hello?.resume ?? null;
  const resumed = { journal: standing?.journal ?? randomUUID(), position: standing?.position ?? 0 };
  const outcome = journal === undefined && standing !== null ? "resumed" : "began";
  connection.resume({ ...resumed, ...(journal === undefined ? {} : { journal, position: 0 }), outcome });
  return { connection, standing };
}

/** The notifications and gaps that the hub shows, in order and in short. */
async function feed(fixture: HubFixture): Promise<unknown[]> {
  const path = "/api/v1/notifications?type=netbackup.&type=sallyport.notifications";
  const { data } = (await fixture.call({ path })).json() as NotificationPage;
  return data.map(({ type, data: item }) => {
    const { jobId, from, to, count, since, until, reason } = item as Record<string, unknown>;
    return type.startsWith("netbackup.") ? jobId : [from, to, count, since, until, reason];
  });
}

/** Who looks at the primary, its connections or the alerts sees what is missing. */
async function shown(fixture: HubFixture, id: string): Promise<void> {
  const get = async (path: string) => (await fixture.call({ path: `/api/v1${path}` })).json();
  const { lastGap } = (await get(`/primaries/${id}`)) as PrimarySummary;
  assert.deepEqual([lastGap?.reason, lastGap?.count], ["journal_replaced", null]);
  const { data: entries } = (await get(`/primaries/${id}/timeline`)) as { data: TimelineEntry[] };
  const texts = entries.filter(({ event }) => event === "gap").map(({ closeReason }) => closeReason ?? "");
  assert.equal(texts.length, 5);
  assert.match(texts.at(-1) ?? "", /^4 notifications are missing for group .*its outbox was full/);
  await fixture.hub.lookForAlerts();
  const { data: alerts } = (await get("/alerts?kind=notifications_missing")) as { data: Alert[] };
  assert.equal(alerts.length, 1);
  assert.match(alerts[0]?.message ?? "", /^Of "store-17", an unknown number of notifications is missing/);
}

const notify = (connection: ServiceConnection, position: number, id: string = randomUUID()) =>
  connection.notify(id, job(position), wait, position);
const at = (fixture: HubFixture, { endpoint, ...rest }: EnrolledPrimary): EnrolledPrimary => ({
  ...rest,
  endpoint: { ...endpoint, url: `${fixture.url.replace("https", "wss")}/nbwss` },
});

test("numbered inbox - tells a primary how far it is stored, also after a restart, and takes what comes again once", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const first = await HubFixture.start({ dataDir });
  const primary = await first.enrol();
  const one = await numbered(first, primary);
  assert.equal(one.standing, null);
  const ids = [1, 2, 3].map(() => randomUUID());
  await Promise.all(ids.map((id, index) => notify(one.connection, index + 1, id)));
  await notify(one.connection, 2, ids[1]);
  await one.connection.close();
  const two = await numbered(first, primary);
  assert.deepEqual([two.standing?.position, two.standing?.id], [3, ids[2]?.toUpperCase()]);
  await notify(two.connection, 4);
  await first[Symbol.asyncDispose]();
  await using second = await HubFixture.start({ dataDir });
  const three = await numbered(second, at(second, primary));
  assert.deepEqual([three.standing?.position, three.standing?.journal], [4, two.standing?.journal]);
  assert.deepEqual(await feed(second), [1, 2, 3, 4]);
});

test("numbered inbox - stores what is missing in its place: announced, left out, and a journal that begins anew", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const { connection } = await numbered(fixture, primary);
  const announced = gap(2, 5);
  await Promise.all([
    notify(connection, 1),
    connection.announceGap(randomUUID(), announced, wait),
    notify(connection, 6),
    notify(connection, 9),
    notify(connection, 10),
    connection.announceGap(randomUUID(), gap(12, 13), wait),
  ]);
  // Announced again, because the acknowledgement was lost.
  await connection.announceGap(randomUUID(), announced, wait);
  const [since, until] = ["1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z"];
  const expected = [
    1,
    [2, 5, 4, since, until, "outbox_full"],
    6,
    [7, 8, 2, null, null, "not_announced"],
    9,
    10,
    [11, 11, 1, null, null, "not_announced"],
    [12, 13, 2, since, until, "outbox_full"],
  ];
  assert.deepEqual(await feed(fixture), expected);
  const { standing } = await numbered(fixture, primary);
  assert.equal(standing?.position, 13);
  const other = await numbered(fixture, primary, randomUUID());
  await other.connection.notify(randomUUID(), job(1, "DONE"), wait, 1);
  assert.deepEqual(await feed(fixture), [...expected, [null, null, null, null, null, "journal_replaced"], 1]);
  await shown(fixture, primary.id);
  const metrics = await fixture.hub.metrics.text();
  for (const line of [
    'sallyport_hub_notification_gaps_total{reason="outbox_full"} 2',
    'sallyport_hub_notification_gaps_total{reason="not_announced"} 2',
    'sallyport_hub_notification_gaps_total{reason="journal_replaced"} 1',
    "sallyport_hub_missing_notifications_total 9",
  ]) {
    assert.ok(metrics.includes(line), line);
  }
});

test("numbered inbox - forgets how far it is when a primary does not number any more, and when it is removed", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const { connection } = await numbered(fixture, primary);
  await notify(connection, 1);
  const plain = await fixture.dial(primary, undefined, undefined, { extensions: false });
  await plain.notify(randomUUID(), job(2), wait);
  const again = await numbered(fixture, primary);
  assert.equal(again.standing, null);
  assert.deepEqual(await feed(fixture), [1, 2]);
  await notify(again.connection, 1);
  const path = `/api/v1/primaries/${primary.id}`;
  assert.equal((await fixture.call({ path, method: "DELETE" })).status, 204);
  await again.connection.closed;
});
