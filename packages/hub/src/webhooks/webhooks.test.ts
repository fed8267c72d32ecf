import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { ServiceConnection } from "@sallyport/nbwss";
import type { CreatedWebhook, Delivery, HubOptions, TestedWebhook, Webhook } from "../index.ts";
import { HubFixture } from "../testing/hub-fixture.ts";
import { startReceiver, status, type TestReceiver } from "../testing/receiver.ts";

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
  const patched = await hub.call({
    path: `/api/v1/webhooks/${id}`,
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ enabled: true }),
  });
  assert.equal((patched.json() as Webhook).disabledReason, null);
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
  await using hub = await startHub(receiver);
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
});
