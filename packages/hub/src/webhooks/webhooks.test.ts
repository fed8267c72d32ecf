import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ServiceConnection } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import { Webhook as StandardWebhook } from "standardwebhooks";
import type { CreatedWebhook, Delivery, HubOptions, TestedWebhook, Webhook } from "../index.ts";
import { HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";
import { startReceiver, status, type TestReceiver } from "../testing/receiver.ts";

/** A clock that is moved by hours must not end connections. */
const patient = { pingIntervalMs: 1_000_000_000 };

/** A hub that may send to receivers on loopback. */
function startHub({ ca }: TestReceiver, options: Partial<HubOptions> = {}): Promise<HubFixture> {
  return HubFixture.start({ webhooks: { allowedNetworks: ["127.0.0.0/8"], ca }, ...options });
}

async function addWebhook(hub: HubFixture, wanted: object): Promise<CreatedWebhook> {
  const reply = await hub.post("/api/v1/webhooks", wanted);
  assert.equal(reply.status, 201, reply.text);
  return reply.json() as CreatedWebhook;
}

async function show(hub: HubFixture, id: string): Promise<Webhook> {
  return (await hub.call({ path: `/api/v1/webhooks/${id}` })).json() as Webhook;
}

async function deliveriesOf(hub: HubFixture, id: string, query = ""): Promise<Delivery[]> {
  const reply = await hub.call({ path: `/api/v1/webhooks/${id}/deliveries${query}` });
  assert.equal(reply.status, 200, reply.text);
  return (reply.json() as { data: Delivery[] }).data;
}

function notify(connection: ServiceConnection, ...jobs: [jobId: number, state: string][]): Promise<void> {
  const data = jobs.map(([jobId, state]) => ({ jobId, state, jobType: "BACKUP" }));
  const entries = [{ notificationType: "INFO", object: "JOB", data }];
  return connection.notify(randomUUID(), entries, { timeoutMs: 30_000 });
}

async function patch(hub: HubFixture, id: string, change: object): Promise<Webhook> {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(change);
  const reply = await hub.call({ path: `/api/v1/webhooks/${id}`, method: "PATCH", headers, body });
  assert.equal(reply.status, 200, reply.text);
  return reply.json() as Webhook;
}

/** Asks again until it is so. */
async function untilAsync(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await nextTurn();
}

test("webhooks - an event goes to its receiver, signed, and is in the list of deliveries", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  receiver.answer = status(200, {}, "taken");
  const primary = await hub.enrol();
  const { id, secret, ...webhook } = await addWebhook(hub, { url: receiver.url, types: ["netbackup.job."] });
  assert.match(secret, /^whsec_[\w+/]{43}=$/);
  assert.equal(webhook.enabled, true);
  const connection = await hub.dial(primary);
  await notify(connection, [1, "QUEUED"], [1, "ACTIVE"]);
  await receiver.until((requests) => requests.length === 2);
  const [first, second] = receiver.requests;
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual([first.event.type, second.event.type], ["netbackup.job.queued", "netbackup.job.active"]);
  assert.equal(first.event.source, `/primaries/${primary.id}`);
  assert.equal(first.headers["content-type"], "application/cloudevents+json; charset=utf-8");
  for (const received of receiver.requests) receiver.verify(secret, received);
  assert.throws(() => receiver.verify(secret, { ...first, body: `${first.body} ` }));
  const feed = (await hub.call({ path: "/api/v1/notifications?type=netbackup.job." })).json() as {
    data: object[];
  };
  assert.deepEqual(feed.data[0], first.event);
  // The second is shown when its answer has come.
  for (;;) {
    const [newest] = await deliveriesOf(hub, id);
    if (newest?.state !== "delivered") continue;
    assert.deepEqual(
      { ...newest, lastAttemptAt: null, id: "" },
      {
        id: "",
        position: second.event.position,
        type: "netbackup.job.active",
        subject: "job/1",
        state: "delivered",
        attempts: 1,
        lastAttemptAt: null,
        nextAttemptAt: null,
        responseCode: 200,
        responseBody: "taken",
        error: null,
      },
    );
    break;
  }
  const shown = await show(hub, id);
  assert.ok(shown.lastSuccessAt !== null && shown.lastFailureAt === null && shown.backlog === 0);
  assert.ok(shown.cursor >= second.event.position);
  assert.ok(!Object.hasOwn(shown, "secret"));
});

test("webhooks - events of one job keep their order behind one that fails, while others go on", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  receiver.answer = ({ event }, response) => response.writeHead(event.subject === "job/1" ? 500 : 204).end();
  const connection = await hub.dial(primary);
  await notify(connection, [1, "QUEUED"], [1, "ACTIVE"], [2, "QUEUED"], [2, "ACTIVE"]);
  const of = (subject: string) =>
    receiver.requests.filter(({ event }) => event.subject === subject).map(({ event }) => event.type);
  await receiver.until(() => of("job/2").length === 2);
  assert.deepEqual(of("job/1"), ["netbackup.job.queued"]);
  assert.deepEqual(of("job/2"), ["netbackup.job.queued", "netbackup.job.active"]);
  const [blocked, failing] = (await deliveriesOf(hub, id, "?state=pending")) as [Delivery, Delivery];
  assert.deepEqual([blocked.attempts, blocked.nextAttemptAt], [0, null]);
  assert.deepEqual([failing.attempts, failing.responseCode], [1, 500]);
  assert.ok(failing.nextAttemptAt !== null);
  receiver.answer = status(204);
  await hub.post(`/api/v1/webhooks/${id}/deliveries/${failing.id}/redeliver`, {});
  await receiver.until(() => of("job/1").length === 3);
  assert.deepEqual(of("job/1").slice(1), ["netbackup.job.queued", "netbackup.job.active"]);
  const ids = receiver.requests.filter(
    ({ event }) => event.type === "netbackup.job.queued" && event.subject === "job/1",
  );
  assert.equal(ids[0]?.headers["webhook-id"], ids[1]?.headers["webhook-id"]);
});

test("webhooks - a receiver that says 410 is disabled once, and told to the feed; enabled again, it gets what waited", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  receiver.answer = status(410);
  const disabled = hub.log.next("webhook.disabled");
  const connection = await hub.dial(primary);
  await notify(connection, [1, "QUEUED"], [2, "QUEUED"], [3, "QUEUED"], [4, "QUEUED"]);
  await disabled;
  const shown = await show(hub, id);
  assert.deepEqual([shown.enabled, shown.disabledReason, shown.backlog], [false, "gone", 4]);
  const feed = await hub.call({ path: "/api/v1/notifications?type=sallyport.webhook." });
  const events = (feed.json() as { data: { data: object }[] }).data;
  assert.deepEqual(
    events.map(({ data }) => data),
    [{ id, reason: "gone" }],
  );
  const asked = receiver.requests.length;
  await notify(connection, [5, "QUEUED"]);
  receiver.answer = status(204);
  const patched = await patch(hub, id, { enabled: true });
  assert.equal(patched.disabledReason, null);
  await receiver.until((requests) => requests.length === asked + 5);
  const subjects = receiver.requests.slice(asked).map(({ event }) => event.subject);
  assert.deepEqual(new Set(subjects), new Set([1, 2, 3, 4, 5].map((job) => `job/${job}`)));
});

test("webhooks - a test is sent at once, also while disabled, and tells what came back", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  const { id, secret } = await addWebhook(hub, { url: receiver.url });
  receiver.answer = status(302, { location: "https://127.0.0.1:1/" }, "over there");
  const tested = (await hub.post(`/api/v1/webhooks/${id}/test`, {})).json() as TestedWebhook;
  assert.deepEqual(
    { ...tested, ms: 0 },
    {
      delivered: false,
      responseCode: 302,
      responseBody: "over there",
      error: "the receiver redirects, which is not followed",
      ms: 0,
    },
  );
  const [received] = receiver.requests;
  assert.ok(received !== undefined);
  assert.equal(received.event.type, "sallyport.webhook.test");
  receiver.verify(secret, received);
});

test("webhooks - a range is replayed under the same ids, and a deleted webhook leaves nothing", async () => {
  await using receiver = await startReceiver();
  await using folder = await temporaryFolder();
  await using hub = await startHub(receiver, { dataDir: folder.path });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  const connection = await hub.dial(primary);
  await notify(connection, [1, "QUEUED"], [1, "ACTIVE"], [1, "DONE"]);
  await receiver.until((requests) => requests.length === 3);
  const [from, , to] = receiver.requests.map(({ event }) => event.position);
  while ((await show(hub, id)).backlog > 0);
  const replayed = await hub.post(`/api/v1/webhooks/${id}/replay`, { from, to });
  assert.deepEqual(replayed.json(), { queued: 3 });
  await receiver.until((requests) => requests.length === 6);
  const ids = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  assert.deepEqual(ids.slice(3), ids.slice(0, 3));
  const wrong = await hub.post(`/api/v1/webhooks/${id}/replay`, { from: to, to: from });
  assert.equal((wrong.json() as { code: string }).code, "bad_request");
  const removed = await hub.call({ path: `/api/v1/webhooks/${id}`, method: "DELETE" });
  assert.equal(removed.status, 204);
  for (const [method, path] of [
    ["GET", ""],
    ["GET", "/deliveries"],
    ["POST", "/test"],
  ] as const) {
    const reply = await hub.call({ path: `/api/v1/webhooks/${id}${path}`, method });
    assert.equal((reply.json() as { code: string }).code, "no_such_webhook", path);
  }
  for (const [file, table] of [
    ["deliveries.sqlite", "deliveries"],
    ["deliveries.sqlite", "receivers"],
    ["webhooks.sqlite", "secrets"],
  ] as const) {
    using database = new DatabaseSync(join(folder.path, file), { readOnly: true });
    const count = database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.["count"];
    assert.equal(count, 0, table);
  }
});

test("webhooks - a rotated secret signs beside the new one until its overlap ends", async () => {
  await using receiver = await startReceiver();
  const clock = new ManualClock(Date.now());
  await using hub = await startHub(receiver, { clock, limits: patient });
  const { id, secret: first } = await addWebhook(hub, { url: receiver.url });
  const rotate = async (overlapMs: number) =>
    ((await hub.post(`/api/v1/webhooks/${id}/secret`, { overlapMs })).json() as CreatedWebhook).secret;
  const second = await rotate(60_000);
  const verifying = async (...secrets: string[]) => {
    await hub.post(`/api/v1/webhooks/${id}/test`, {});
    const received = receiver.requests.at(-1);
    assert.ok(received !== undefined);
    return secrets.filter((secret) => {
      const { body, headers } = received;
      const expected = new StandardWebhook(secret).sign(
        String(headers["webhook-id"]),
        new Date(clock.now()),
        body,
      );
      return String(headers["webhook-signature"]).split(" ").includes(expected);
    });
  };
  assert.deepEqual(await verifying(first, second), [first, second]);
  clock.advance(60_000);
  assert.deepEqual(await verifying(first, second), [second]);
  const third = await rotate(0);
  assert.deepEqual(await verifying(first, second, third), [third]);
  // However often it is rotated, a bounded number signs.
  for (let count = 0; count < 8; count += 1) await rotate(60_000);
  await verifying();
  assert.equal(String(receiver.requests.at(-1)?.headers["webhook-signature"]).split(" ").length, 5);
});

test("webhooks - without a secret nothing goes out, and the delivery says why", async () => {
  await using receiver = await startReceiver();
  await using folder = await temporaryFolder();
  await using hub = await startHub(receiver, { dataDir: folder.path });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  {
    using database = new DatabaseSync(join(folder.path, "webhooks.sqlite"));
    database.exec("UPDATE secrets SET sealed = 'v1.AAAA'");
  }
  const notSent = hub.log.next("webhook.not_sent");
  await notify(await hub.dial(primary), [1, "QUEUED"]);
  await notSent;
  const [delivery] = await deliveriesOf(hub, id, "?state=pending");
  assert.match(delivery?.error ?? "", /^not sent: a stored secret can't be opened/);
  const tested = await hub.post(`/api/v1/webhooks/${id}/test`, {});
  assert.equal((tested.json() as { code: string }).code, "unsealable");
  {
    using database = new DatabaseSync(join(folder.path, "webhooks.sqlite"));
    database.exec("DELETE FROM secrets");
  }
  assert.match((await hub.post(`/api/v1/webhooks/${id}/test`, {})).text, /no secret to sign with/);
  assert.equal(receiver.requests.length, 0);
});

test("webhooks - a receiver that takes nothing is disabled after days of it, with an event; what waits is kept", async () => {
  await using receiver = await startReceiver();
  const clock = new ManualClock(Date.now());
  await using hub = await startHub(receiver, { clock, limits: patient });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  receiver.answer = status(500);
  const connection = await hub.dial(primary);
  await notify(connection, [1, "QUEUED"], [1, "ACTIVE"]);
  const disabled = hub.log.next("webhook.disabled");
  const startMs = clock.now();
  while (hub.log.all("webhook.disabled").length === 0) {
    clock.advance(60_000);
    await nextTurn();
    assert.ok(clock.now() - startMs < 300 * 3_600_000, "it is not disabled");
  }
  const line = await disabled;
  assert.equal(line["reason"], "failing");
  const shown = await show(hub, id);
  assert.deepEqual([shown.enabled, shown.disabledReason, shown.backlog], [false, "failing", 2]);
  const [blocked, first] = await deliveriesOf(hub, id);
  assert.equal(blocked?.attempts, 0);
  assert.ok(first !== undefined && first.attempts > 5 && first.state === "pending");
  const feed = await hub.call({ path: "/api/v1/notifications?type=sallyport.webhook.disabled" });
  assert.equal((feed.json() as { data: object[] }).data.length, 1);
});

test("webhooks - 429 with Retry-After pauses the whole webhook, and what it put off is not given up for it", async () => {
  await using receiver = await startReceiver();
  const clock = new ManualClock(Date.now());
  await using hub = await startHub(receiver, { clock, limits: patient });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  receiver.answer = status(429, { "retry-after": "3600" });
  const connection = await hub.dial(primary);
  await notify(connection, [1, "QUEUED"]);
  await untilAsync(async () => {
    clock.advance(20);
    return (await deliveriesOf(hub, id))[0]?.attempts === 1;
  });
  receiver.answer = status(204);
  await notify(connection, [2, "QUEUED"]);
  await untilAsync(async () => {
    clock.advance(20);
    return (await show(hub, id)).backlog === 2;
  });
  clock.advance(3_590_000);
  await hub.post(`/api/v1/webhooks/${id}/test`, {});
  assert.deepEqual(
    receiver.requests.map(({ event }) => event.type),
    ["netbackup.job.queued", "sallyport.webhook.test"],
  );
  clock.advance(10_000);
  await receiver.until((requests) => requests.length === 4);
});

test("webhooks - a late 410 of the former URL does not disable the webhook, and the event goes to the new one", async () => {
  await using former = await startReceiver();
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver, {
    webhooks: { allowedNetworks: ["127.0.0.0/8"], ca: `${former.ca}${receiver.ca}` },
  });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: former.url, types: ["netbackup."] });
  const held = Promise.withResolvers<ServerResponse>();
  former.answer = (_, response) => held.resolve(response);
  await notify(await hub.dial(primary), [1, "QUEUED"]);
  const response = await held.promise;
  await patch(hub, id, { url: receiver.url });
  response.writeHead(410).end();
  await receiver.until((requests) => requests.length === 1);
  assert.equal((await show(hub, id)).enabled, true);
  assert.equal(hub.log.all("webhook.disabled").length, 0);
});

test("webhooks - a redelivery that is asked for while an attempt runs is made, whatever comes of that", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  const held = Promise.withResolvers<ServerResponse>();
  receiver.answer = (_, response) => held.resolve(response);
  await notify(await hub.dial(primary), [1, "QUEUED"]);
  const response = await held.promise;
  const [delivery] = await deliveriesOf(hub, id);
  await hub.post(`/api/v1/webhooks/${id}/deliveries/${delivery?.id}/redeliver`, {});
  receiver.answer = status(204);
  response.writeHead(204).end();
  await receiver.until((requests) => requests.length === 2);
  const missing = await hub.post(`/api/v1/webhooks/${id}/deliveries/999999/redeliver`, {});
  assert.equal((missing.json() as { code: string }).code, "no_such_delivery");
});

test("webhooks - only what the filter wants is sent: types, primaries and labels as they are now", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  const [a, b] = [await hub.enrol("a"), await hub.enrol("b")];
  const relabel = (id: string, labels: object) =>
    hub.call({
      path: `/api/v1/primaries/${id}`,
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ labels }),
    });
  await relabel(a.id, { site: "vienna" });
  await addWebhook(hub, { url: receiver.url, types: ["netbackup.job.done"], labels: { site: "vienna" } });
  await addWebhook(hub, { url: `${receiver.url}/b`, types: ["netbackup.job.active"], primaries: [b.id] });
  const [ofA, ofB] = [await hub.dial(a), await hub.dial(b)];
  for (const connection of [ofA, ofB]) await notify(connection, [1, "ACTIVE"], [1, "DONE"]);
  await receiver.until((requests) => requests.length === 2);
  await relabel(b.id, { site: "vienna" });
  await notify(ofB, [2, "DONE"]);
  await receiver.until((requests) => requests.length === 3);
  const seen = receiver.requests.map(
    ({ event }) => `${event.source === `/primaries/${a.id}` ? "a" : "b"} ${event.type}`,
  );
  assert.deepEqual(seen.slice(0, 2).sort(), ["a netbackup.job.done", "b netbackup.job.active"]);
  assert.equal(seen[2], "b netbackup.job.done");
});

test("webhooks - a slow receiver delays neither notifications nor other webhooks, and ends with the hub", async () => {
  await using slow = await startReceiver();
  await using receiver = await startReceiver();
  const hub = await startHub(receiver, {
    webhooks: { allowedNetworks: ["127.0.0.0/8"], ca: `${slow.ca}${receiver.ca}` },
    limits: { maxWebhookAttempts: 4, drainTimeoutMs: 100 },
  });
  slow.answer = () => {
    // It never answers.
  };
  const primary = await hub.enrol();
  const connection = await hub.dial(primary);
  await addWebhook(hub, { url: receiver.url, types: ["netbackup.job."] });
  await notify(connection, [1, "QUEUED"]);
  await receiver.until((requests) => requests.length === 1);
  for (let count = 0; count < 10; count += 1) await addWebhook(hub, { url: slow.url });
  for (let job = 1; job <= 20; job += 1) await notify(connection, [job, "DONE"]);
  // Half of the room is the others', however many never answer.
  await receiver.until((requests) => requests.length === 21);
  await slow.until((requests) => requests.length === 2);
  await hub[Symbol.asyncDispose]();
  // Those under way were called off, and counted as nothing.
  assert.equal(hub.log.all("webhook.not_sent").length, 0);
});

test("webhooks - what is over the bound stays in the log, and follows when there is room", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver, { limits: { maxPendingDeliveries: 4 } });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  await patch(hub, id, { enabled: false });
  const connection = await hub.dial(primary);
  const states = Array.from({ length: 30 }, (_, index) => [index % 3, `S${index}`] as [number, string]);
  await notify(connection, ...states);
  await untilAsync(async () => (await show(hub, id)).backlog === 4);
  const replayed = await hub.post(`/api/v1/webhooks/${id}/replay`, { from: 1, to: 10_000 });
  assert.equal((replayed.json() as { code: string }).code, "limit_reached");
  await patch(hub, id, { enabled: true });
  await receiver.until((requests) => requests.length === 30);
  for (const job of [0, 1, 2]) {
    const types = receiver.requests
      .filter(({ event }) => event.subject === `job/${job}`)
      .map(({ event }) => event.type);
    const expected = states
      .filter(([of]) => of === job)
      .map(([, state]) => `netbackup.job.${state.toLowerCase()}`);
    assert.deepEqual(types, expected);
  }
  await untilAsync(async () => (await show(hub, id)).backlog === 0);
});

test("webhooks - a URL that leads to a private address is refused, and secrets are nowhere but in the first answer", async () => {
  await using folder = await temporaryFolder();
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver, { dataDir: folder.path });
  for (const url of [
    "https://10.0.0.1/",
    "https://user:pw@127.0.0.1/",
    "http://192.168.0.1/",
    "https://[fd00::1]/",
  ]) {
    const reply = await hub.post("/api/v1/webhooks", { url });
    assert.equal(reply.status, 400, url);
    assert.ok(!reply.text.includes("user:pw"));
  }
  const headers = { "Idempotency-Key": "once" };
  const make = () => hub.post("/api/v1/webhooks", { url: receiver.url }, { headers });
  const [made, again] = [await make(), await make()];
  assert.equal(made.text, again.text);
  const { id, secret } = made.json() as CreatedWebhook;
  const rotated = (await hub.post(`/api/v1/webhooks/${id}/secret`, {})).json() as CreatedWebhook;
  await hub.post(`/api/v1/webhooks/${id}/test`, {});
  const paths = ["/webhooks", `/webhooks/${id}`, `/webhooks/${id}/deliveries`, "/audit", "/notifications"];
  const answers = await Promise.all(
    paths.map(async (path) => (await hub.call({ path: `/api/v1${path}` })).text),
  );
  await hub.hub.close();
  const files = (await readdir(folder.path)).filter((name) => name.includes("sqlite"));
  assert.ok(files.includes("webhooks.sqlite"));
  const kept = await Promise.all(files.map((name) => readFile(join(folder.path, name), "latin1")));
  for (const one of [secret, rotated.secret]) {
    const bare = one.slice("whsec_".length);
    for (const text of [hub.log.text, ...answers, ...kept]) assert.ok(!text.includes(bare));
  }
});

test("webhooks - what retention deleted before it was delivered is announced, to the receiver too, and is no failure", async () => {
  await using receiver = await startReceiver();
  const clock = new ManualClock(Date.now());
  const limits = {
    ...patient,
    maxPendingDeliveries: 4,
    retainNotificationsMs: 60_000,
    trimIntervalMs: 30_000,
  };
  await using hub = await startHub(receiver, { clock, limits });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  await patch(hub, id, { enabled: false });
  const connection = await hub.dial(primary);
  await notify(
    connection,
    ...Array.from({ length: 10 }, (_, index) => [index, "QUEUED"] as [number, string]),
  );
  await untilAsync(async () => {
    clock.advance(20);
    return (await show(hub, id)).backlog === 4;
  });
  const feed = await hub.call({ path: "/api/v1/notifications?type=netbackup." });
  const positions = (feed.json() as { data: { position: number }[] }).data.map(({ position }) => position);
  const trimming = hub.log.next("log.trimming");
  clock.advance(100_000);
  await trimming;
  await untilAsync(async () => {
    const left = await hub.call({ path: "/api/v1/notifications?type=netbackup." });
    return (left.json() as { data: object[] }).data.length === 0;
  });
  await notify(connection, [10, "DONE"]);
  await patch(hub, id, { enabled: true });
  const got = (type: string) => receiver.requests.filter(({ event }) => event.type === type);
  await untilAsync(async () => {
    clock.advance(20);
    return got("netbackup.job.done").length === 1 && (await show(hub, id)).backlog === 0;
  });
  const missed = got("sallyport.webhook.missed").map(
    ({ event }) => event.data as { from: number; to: number },
  );
  const isMissed = (position: number) => missed.some(({ from, to }) => from <= position && position <= to);
  assert.equal(positions.length, 10);
  assert.ok(positions.every(isMissed), JSON.stringify({ positions, missed }));
  const inFeed = await hub.call({ path: "/api/v1/notifications?type=sallyport.webhook.missed" });
  const told = (inFeed.json() as { data: { data: object }[] }).data.map(({ data }) => data);
  assert.deepEqual(
    told.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    missed.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
  );
  assert.equal((await show(hub, id)).lastFailureAt, null);
  const lost = await deliveriesOf(hub, id, "?state=failed");
  assert.equal(lost.length, 4);
  assert.match(lost[0]?.error ?? "", /retention/);
});

test("webhooks - one event that is refused is given up while others are taken, shown, and can be made again", async () => {
  await using receiver = await startReceiver();
  const clock = new ManualClock(Date.now());
  await using hub = await startHub(receiver, { clock, limits: patient });
  const primary = await hub.enrol();
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  receiver.answer = ({ event }, response) =>
    response.writeHead(event.subject === "job/1" ? 422 : 204).end("no \u001b[31mthanks");
  const connection = await hub.dial(primary);
  await notify(connection, [1, "QUEUED"], [1, "DONE"]);
  let job = 2;
  await untilAsync(async () => {
    await notify(connection, [(job += 1), "DONE"]);
    clock.advance(60_000);
    return (await deliveriesOf(hub, id, "?state=failed")).length === 2;
  });
  const [, first] = await deliveriesOf(hub, id, "?state=failed");
  assert.deepEqual(
    [first?.attempts, first?.responseCode, first?.responseBody],
    [5, 422, "no \uFFFD[31mthanks"],
  );
  assert.equal((await show(hub, id)).enabled, true);
  receiver.answer = status(204);
  const asked = await hub.post(`/api/v1/webhooks/${id}/deliveries/${first?.id}/redeliver`, {});
  assert.equal((asked.json() as Delivery).state, "pending");
  await untilAsync(async () => {
    const delivered = await deliveriesOf(hub, id, "?state=delivered");
    return delivered.some((delivery) => delivery.id === first?.id && delivery.attempts === 6);
  });
});

test("webhooks - many events for many webhooks at once are taken in page by page, each once and in order", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  const primary = await hub.enrol();
  const webhooks: CreatedWebhook[] = [];
  for (let count = 0; count < 50; count += 1) {
    const webhook = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
    await patch(hub, webhook.id, { enabled: false });
    webhooks.push(webhook);
  }
  const connection = await hub.dial(primary);
  const states = Array.from({ length: 100 }, (_, index) => [1, `S${index}`] as [number, string]);
  await notify(connection, ...states.slice(0, 90));
  await notify(connection, ...states.slice(90));
  for (const { id } of webhooks) {
    await untilAsync(async () => (await show(hub, id)).backlog === 100);
    const types = (await deliveriesOf(hub, id)).map(({ type }) => type);
    assert.deepEqual(types, states.map(([, state]) => `netbackup.job.${state.toLowerCase()}`).toReversed());
  }
});

test("webhooks - a receiver that switches protocols has failed, and keeps neither the others nor the hub's end waiting", async () => {
  await using receiver = await startReceiver();
  await using hub = await startHub(receiver);
  const { id } = await addWebhook(hub, { url: receiver.url, types: ["netbackup."] });
  receiver.answer = (_, response) => {
    response.socket?.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  };
  const reply = await hub.post(`/api/v1/webhooks/${id}/test`, {});
  const { delivered, responseCode, error } = reply.json() as TestedWebhook;
  assert.deepEqual(
    { delivered, responseCode, error },
    {
      delivered: false,
      responseCode: null,
      error: "the receiver answered with another protocol than HTTP",
    },
  );
  const connection = await hub.dial(await hub.enrol());
  await notify(connection, [1, "QUEUED"]);
  await untilAsync(async () => (await deliveriesOf(hub, id))[0]?.attempts === 1);
});
