import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { hashSecret } from "../access/secret.ts";
import type { Alert, AlertRule } from "../index.ts";
import { Recorder } from "../log/recorder.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { adminKey, HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

async function get(fixture: HubFixture, path: string, key = adminKey) {
  const reply = await fixture.call({ path, key });
  assert.equal(reply.status, 200, reply.text);
  return (reply.json() as { data: (Alert & AlertRule)[] }).data;
}

/** Moves time in steps that no hub takes for a step of its clock; after each, what the watch has found is in the log. */
async function travel(fixture: HubFixture, clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= minuteMs) {
    clock.advance(Math.min(minuteMs, left));
    await fixture.hub.lookForAlerts();
  }
}

/** A hub whose primaries need not answer pings for all the time that passes at once. */
function start(dataDir: string, clock: ManualClock): Promise<HubFixture> {
  return HubFixture.start({ dataDir, clock, limits: { pingIntervalMs: 1e10, maxPongDelayMs: 1e10 } });
}

/** The types of the events about alerts, and what they are about. */
async function eventsOf(dataDir: string): Promise<string[]> {
  await using log = openSqliteLog({ path: join(dataDir, "log.sqlite"), maxPendingEvents: 1 });
  const events = await log.read({ after: 0, limit: 10_000, types: ["sallyport.alert."] });
  return events.map(({ type, data }) => {
    const { kind, reason } = data as { kind: string; reason?: string };
    return [type.replace("sallyport.alert.", ""), kind, reason]
      .filter((word) => word !== undefined)
      .join(" ");
  });
}

const notify = (connection: Awaited<ReturnType<HubFixture["dial"]>>, item: Record<string, unknown>) =>
  connection.notify(randomUUID(), [{ notificationType: "INFO", object: "JOB", data: [item] }], {
    timeoutMs: 30_000,
  });

function jobAt(clock: ManualClock, jobId: number, status: number): Record<string, unknown> {
  const names = { jobType: "BACKUP", policyName: "nightly", clientName: "db1" };
  return { jobId, state: "DONE", status, startTime: Math.floor(clock.now() / 1000), ...names };
}

/** Resolves when the hub has no connection any more. */
async function disconnected(fixture: HubFixture, connection: Awaited<ReturnType<HubFixture["dial"]>>) {
  const line = fixture.log.next("connection.disconnected");
  await connection.close();
  await line;
}

test("alerts - a silent primary is raised once, stays open over restarts and is resolved when it is back", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  let name = "";
  {
    await using fixture = await start(folder.path, clock);
    const vienna = await fixture.enrol("vienna");
    await fixture.enrol("never-there");
    const connection = await fixture.dial(vienna);
    await travel(fixture, clock, 2 * hourMs);
    assert.deepEqual(await get(fixture, "/api/v1/alerts"), []);
    await disconnected(fixture, connection);
    await travel(fixture, clock, 59 * minuteMs);
    assert.deepEqual(await get(fixture, "/api/v1/alerts"), []);
    await travel(fixture, clock, 2 * minuteMs);
    const [alert, ...others] = await get(fixture, "/api/v1/alerts");
    assert.equal(others.length, 0);
    assert.equal(alert?.primaryName, "vienna");
    assert.match(
      alert.message,
      /^No sign of life of "vienna" for 60 min: it was last seen 2026-11-24T0(1:59|2:00)/,
    );
    assert.match(alert.advice, /timeline/);
    name = alert.id;
    await travel(fixture, clock, hourMs);
    assert.deepEqual(
      (await get(fixture, "/api/v1/alerts?state=all")).map(({ id }) => id),
      [name],
    );
    const metrics = await fixture.hub.metrics.text();
    assert.match(metrics, /sallyport_hub_alerts_open\{kind="primary_silent"\} 1/);
    assert.match(metrics, /sallyport_hub_views_lag_positions 0/);
  }
  // The hub itself is away for days: nobody was silent for its absence, and nobody is back for its return.
  clock.advance(72 * hourMs);
  {
    await using fixture = await start(folder.path, clock);
    await travel(fixture, clock, 59 * minuteMs);
    const open = await get(fixture, "/api/v1/alerts");
    assert.deepEqual(
      open.map(({ id }) => id),
      [name],
    );
  }
  {
    await using fixture = await start(folder.path, clock);
    const connection = await fixture.dial(await fixture.enrol("graz"));
    await travel(fixture, clock, minuteMs);
    const open = await get(fixture, "/api/v1/alerts");
    assert.deepEqual(
      open.map(({ id }) => id),
      [name],
      "another primary is no sign of life of this one",
    );
    await connection.close();
    const vienna = (await get(fixture, "/api/v1/primaries")).find((one) => one.name === "vienna");
    assert.ok(vienna);
    assert.equal(
      (await fixture.call({ path: `/api/v1/primaries/${vienna.id}`, method: "DELETE" })).status,
      204,
    );
    await travel(fixture, clock, minuteMs);
    assert.deepEqual(await get(fixture, "/api/v1/alerts?state=all"), []);
  }
  assert.deepEqual(await eventsOf(folder.path), [
    "raised primary_silent",
    "resolved primary_silent primary_deleted",
  ]);
});

test("alerts - a missing backup is raised, a good one resolves it, and a mute keeps it quiet", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  {
    await using fixture = await start(folder.path, clock);
    const connection = await fixture.dial(await fixture.enrol("vienna"));
    await notify(connection, jobAt(clock, 1, 0));
    await travel(fixture, clock, 25 * hourMs);
    await notify(connection, jobAt(clock, 2, 6));
    assert.deepEqual(await get(fixture, "/api/v1/alerts"), []);
    await travel(fixture, clock, 2 * hourMs);
    const [alert] = await get(fixture, "/api/v1/alerts?kind=no_good_backup");
    assert.ok(alert);
    assert.match(
      alert.message,
      /client "db1" by policy "nightly" of "vienna" for 26 h: the last one began 2026-11-24T00:00/,
    );
    await notify(connection, jobAt(clock, 3, 1));
    await travel(fixture, clock, minuteMs);
    const [resolved] = await get(fixture, "/api/v1/alerts?state=resolved");
    assert.equal(resolved?.id, alert.id);
    assert.ok(resolved.resolvedAt !== null);
    const acknowledge = (body: object, key = adminKey) =>
      fixture.post(`/api/v1/alerts/${alert.id}/acknowledge`, body, { key });
    const muteUntil = new Date(clock.now() + 40 * hourMs).toISOString();
    const reply = await acknowledge({ muteUntil });
    assert.equal(reply.status, 200, reply.text);
    const { acknowledgedBy, mutedUntil } = reply.json() as Alert;
    assert.deepEqual([acknowledgedBy, mutedUntil], ["first administrator", muteUntil]);
    await travel(fixture, clock, 39 * hourMs);
    assert.deepEqual(await get(fixture, "/api/v1/alerts"), []);
    await travel(fixture, clock, 2 * hourMs);
    assert.equal((await get(fixture, "/api/v1/alerts")).length, 1);
    assert.equal((await fixture.post("/api/v1/alerts/none/acknowledge", {})).status, 404);
  }
  const raisedAndResolved = ["raised no_good_backup", "resolved no_good_backup mended"];
  assert.deepEqual(await eventsOf(folder.path), [
    ...raisedAndResolved,
    "acknowledged",
    "raised no_good_backup",
  ]);
});

test("alerts - a hub that is killed neither repeats nor forgets what it has raised", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const running = join(folder.path, "running");
  const left: string[] = [];
  {
    await using fixture = await start(running, clock);
    await disconnected(fixture, await fixture.dial(await fixture.enrol("vienna")));
    for (let minutes = 58; minutes < 63; minutes += 1) {
      await travel(fixture, clock, minutes === 58 ? 58 * minuteMs : minuteMs);
      // What a kill at this moment leaves: the files as they are, their journals included.
      const copy = join(folder.path, `killed-${minutes}`);
      await cp(running, copy, { recursive: true });
      left.push(copy);
    }
  }
  for (const [index, dataDir] of left.entries()) {
    // The views may be lost too: they are folded anew.
    if (index % 2 === 1) await rm(join(dataDir, "views.sqlite"));
    for (let restart = 0; restart < 2; restart += 1) {
      await using fixture = await start(dataDir, clock);
      await travel(fixture, clock, 90 * minuteMs);
      assert.equal((await get(fixture, "/api/v1/alerts")).length, 1, dataDir);
    }
    assert.deepEqual(await eventsOf(dataDir), ["raised primary_silent"], dataDir);
  }
});

test("alerts - a primary that comes back resolves what was raised", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  {
    await using fixture = await start(folder.path, clock);
    const vienna = await fixture.enrol("vienna");
    await disconnected(fixture, await fixture.dial(vienna));
    await travel(fixture, clock, 61 * minuteMs);
    assert.equal((await get(fixture, "/api/v1/alerts")).length, 1);
    await fixture.dial(vienna);
    await travel(fixture, clock, minuteMs);
    assert.deepEqual(await get(fixture, "/api/v1/alerts"), []);
  }
  assert.deepEqual(await eventsOf(folder.path), ["raised primary_silent", "resolved primary_silent mended"]);
});

test("alerts - after a step of the clock watching begins anew, and nobody was silent for it", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  await using fixture = await start(folder.path, clock);
  await disconnected(fixture, await fixture.dial(await fixture.enrol("vienna")));
  await travel(fixture, clock, minuteMs);
  // The machine sleeps: no timer runs, and then it is five hours later.
  clock.step(5 * hourMs);
  await travel(fixture, clock, 59 * minuteMs);
  assert.equal(fixture.log.all("alerts.clock_stepped").length, 1);
  assert.deepEqual(await get(fixture, "/api/v1/alerts"), []);
  await travel(fixture, clock, 2 * minuteMs);
  const [alert] = await get(fixture, "/api/v1/alerts");
  assert.ok(alert);
  // Set back, the clock says that it was last seen tomorrow: what is open stays.
  clock.step(-48 * hourMs);
  await travel(fixture, clock, 90 * minuteMs);
  assert.deepEqual(
    (await get(fixture, "/api/v1/alerts?state=all")).map(({ id }) => id),
    [alert.id],
  );
  assert.equal(fixture.log.all("alerts.clock_stepped").length, 2);
});

test("alert rules - are there from the first start, are made, changed and removed, and never come back by themselves", async () => {
  await using folder = await temporaryFolder();
  {
    await using fixture = await HubFixture.start({ dataDir: folder.path, limits: { maxAlertRules: 5 } });
    const rules = await get(fixture, "/api/v1/alert-rules");
    const kinds = rules.map(({ condition }) => condition.kind);
    assert.deepEqual(kinds, ["no_good_backup", "notifications_missing", "inbox_behind", "primary_silent"]);
    const condition = { kind: "no_good_backup", hours: 200, policy: "weekly" };
    const made = await fixture.post("/api/v1/alert-rules", { name: "weekly", condition });
    assert.equal(made.status, 201, made.text);
    const { id, enabled } = made.json() as AlertRule;
    assert.equal(enabled, true);
    const full = await fixture.post("/api/v1/alert-rules", { name: "one more", condition });
    assert.deepEqual([full.status, (full.json() as { code: string }).code], [429, "limit_reached"]);
    const path = `/api/v1/alert-rules/${id}`;
    const body = JSON.stringify({ enabled: false });
    const headers = { "Content-Type": "application/json" };
    const changed = await fixture.call({ path, method: "PATCH", headers, body });
    assert.deepEqual(changed.json(), { ...(made.json() as AlertRule), enabled: false });
    assert.deepEqual((await fixture.call({ path })).json(), changed.json());
    for (const one of [...rules.map((rule) => rule.id), id]) {
      assert.equal(
        (await fixture.call({ path: `/api/v1/alert-rules/${one}`, method: "DELETE" })).status,
        204,
      );
    }
    assert.equal((await fixture.call({ path })).status, 404);
    for (const wrong of [
      { kind: "no_good_backup" },
      { kind: "none" },
      { kind: "inbox_behind", seconds: 0 },
    ]) {
      assert.equal((await fixture.post("/api/v1/alert-rules", { name: "x", condition: wrong })).status, 400);
    }
  }
  await using fixture = await HubFixture.start({ dataDir: folder.path });
  assert.deepEqual(await get(fixture, "/api/v1/alert-rules"), []);
});

test("alerts - are seen and acknowledged by those who see their primary; rules by those who see all", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const keys = {
    swiss: "the-key-of-a-swiss-operator",
    austrian: "the-key-of-an-austrian-operator",
    viewer: "the-key-of-a-viewer-of-all",
  };
  {
    await using log = openSqliteLog({ path: join(folder.path, "log.sqlite"), maxPendingEvents: 10 });
    const recorder = new Recorder({ log, now: () => clock.now(), newId: randomUUID });
    const add = async (name: keyof typeof keys, role: "operator" | "viewer", site?: string) => {
      const scope =
        site === undefined ? ({ kind: "all" } as const) : ({ kind: "labels", labels: { site } } as const);
      const data = { id: name, name, role, scope, keyHash: hashSecret(keys[name]), expiresAt: null };
      await recorder.record("sallyport.api-key.created", `/api-keys/${name}`, data);
    };
    await add("swiss", "operator", "ch");
    await add("austrian", "operator", "at");
    await add("viewer", "viewer");
  }
  await using fixture = await start(folder.path, clock);
  const enrolled = await fixture.post("/api/v1/primaries", { name: "vienna", labels: { site: "at" } });
  const connection = await fixture.dial(enrolled.json() as Awaited<ReturnType<HubFixture["enrol"]>>);
  await disconnected(fixture, connection);
  await travel(fixture, clock, 61 * minuteMs);
  const [alert] = await get(fixture, "/api/v1/alerts", keys.austrian);
  assert.ok(alert);
  assert.deepEqual(await get(fixture, "/api/v1/alerts", keys.swiss), []);
  const acknowledge = async (key: string) =>
    (await fixture.post(`/api/v1/alerts/${alert.id}/acknowledge`, {}, { key })).status;
  assert.deepEqual(await Promise.all(Object.values(keys).map(acknowledge)), [404, 200, 403]);
  const [after] = await get(fixture, "/api/v1/alerts", keys.viewer);
  assert.equal(after?.acknowledgedBy, "austrian");
  for (const key of [keys.swiss, keys.austrian]) {
    assert.equal((await fixture.call({ path: "/api/v1/alert-rules", key })).status, 403);
  }
  assert.equal((await get(fixture, "/api/v1/alert-rules", keys.viewer)).length, 4);
  const condition = { kind: "inbox_behind", seconds: 5 };
  for (const key of Object.values(keys)) {
    assert.equal((await fixture.post("/api/v1/alert-rules", { name: "x", condition }, { key })).status, 403);
  }
});
