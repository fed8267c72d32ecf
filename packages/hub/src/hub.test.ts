import assert from "node:assert/strict";
import { once } from "node:events";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { WebSocket } from "ws";
import { NbwssError } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import { Recorder } from "./log/recorder.ts";
import { openSqliteLog } from "./log/sqlite-log.ts";
import { createHub, HubError, type EndpointDetails, type PrimarySummary } from "./index.ts";
import { HubFixture, LogLines, temporaryFolder } from "./testing/hub-fixture.ts";

const list = async (fixture: HubFixture) =>
  ((await fixture.call({ path: "/api/v1/primaries" })).json() as { data: PrimarySummary[] }).data;
const pathOf = (url: string) => new URL(url).pathname;

async function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

test("enrolment - gives a token once, by the answer and once by the details URL", async () => {
  await using fixture = await HubFixture.start({ publicUrl: "https://hub1.cloud.example:8443" });
  const reply = await fixture.post("/api/v1/primaries", {
    name: "store-17",
    labels: { region: "eu" },
    groupId: "eu-cloud",
    priority: 2,
  });
  assert.equal(reply.status, 201);
  assert.equal(reply.headers["cache-control"], "no-store");
  const { id, endpoint, detailsUrl } = reply.json() as {
    id: string;
    endpoint: EndpointDetails;
    detailsUrl: string;
  };
  const { token, ...rest } = endpoint;
  assert.equal(Buffer.from(token, "base64").length, 32);
  const url = "wss://hub1.cloud.example:8443/nbwss";
  assert.deepEqual(rest, { priority: 2, groupId: "eu-cloud", hostName: "hub1.cloud.example", url });
  const fetched = await fixture.call({ path: pathOf(detailsUrl), key: null });
  assert.deepEqual([fetched.status, fetched.json()], [200, endpoint]);
  assert.equal(fetched.headers["cache-control"], "no-store");
  const again = await fixture.call({ path: pathOf(detailsUrl), key: null });
  const unknown = await fixture.call({ path: "/api/v1/endpoint-details/nonsense", key: null });
  assert.equal(again.status, 404);
  assert.deepEqual(again.json(), unknown.json());
  const one = await fixture.call({ path: `/api/v1/primaries/${id}` });
  assert.deepEqual((one.json() as PrimarySummary).connection, {
    state: "never",
    since: null,
    lastSeenAt: null,
    remoteAddress: null,
    groupId: null,
    trackingId: null,
    closeCode: null,
    closeReason: null,
    health: null,
  });
  assert.ok(!one.text.includes(token));
});

test("enrolment - refuses a name that is taken, also in the same moment, and what is not well formed", async () => {
  await using fixture = await HubFixture.start();
  const replies = await Promise.all([1, 2].map(() => fixture.post("/api/v1/primaries", { name: "a" })));
  assert.deepEqual(
    replies.map(({ status }) => status).sort((a, b) => a - b),
    [201, 409],
  );
  for (const body of [
    {},
    { name: "" },
    { name: " a" },
    { name: "a\nb" },
    { name: "b", priority: -1 },
    { name: "b", x: 1 },
  ]) {
    const reply = await fixture.post("/api/v1/primaries", body);
    assert.equal(reply.status, 400, JSON.stringify(body));
    const { errorCode, errorMessage, errorDetails } = reply.json() as Record<string, unknown>;
    assert.deepEqual([errorCode, typeof errorMessage, errorDetails], [20, "string", []]);
  }
  const garbage = await fixture.call({
    path: "/api/v1/primaries",
    method: "POST",
    body: "{",
    headers: { "Content-Type": "application/json" },
  });
  assert.equal(garbage.status, 400);
  assert.equal(garbage.headers["content-type"], "application/problem+json");
});

test("details URL - survives a restart and ends after an hour", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock(Date.now());
  const options = { dataDir: join(folder.path, "data"), clock, publicUrl: "https://hub.example" };
  const first = await HubFixture.start(options);
  const urls = [await first.enrol("a"), await first.enrol("b")].map(({ detailsUrl }) => pathOf(detailsUrl));
  await first[Symbol.asyncDispose]();
  await using second = await HubFixture.start(options);
  clock.advance(3_599_000);
  assert.equal((await second.call({ path: urls[0] ?? "", key: null })).status, 200);
  clock.advance(1_000);
  assert.equal((await second.call({ path: urls[1] ?? "", key: null })).status, 404);
  assert.deepEqual(
    (await list(second)).map(({ name }) => name),
    ["a", "b"],
  );
});

test("connection - shows state and end; deleting the primary cuts it with 1008", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const connection = await fixture.dial(primary);
  const [connected] = await list(fixture);
  assert.equal(connected?.connection.state, "connected");
  assert.equal(connected.connection.remoteAddress, "127.0.0.1");
  const disconnected = fixture.log.next("connection.disconnected");
  await connection.close(1001, "going home");
  await disconnected;
  const [{ connection: ended } = { connection: undefined }] = await list(fixture);
  assert.equal(ended?.state, "disconnected");
  const second = await fixture.dial(primary);
  assert.equal(
    (await fixture.call({ path: `/api/v1/primaries/${primary.id}`, method: "DELETE" })).status,
    204,
  );
  assert.deepEqual(await second.closed, { code: 1008, reason: "token revoked" });
  await assert.rejects(
    fixture.dial(primary),
    (error) => error instanceof NbwssError && error.code === "token_refused",
  );
  assert.equal((await fixture.call({ path: `/api/v1/primaries/${primary.id}` })).status, 404);
});

test("connection - a hub that closes sends 1012, and no primary is connected after its restart", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  {
    await using first = await HubFixture.start({ dataDir });
    const primary = await first.enrol();
    const { closed } = await first.dial(primary);
    await first.hub.close();
    assert.deepEqual(await closed, { code: 1012, reason: "the hub is restarting" });
  }
  await using second = await HubFixture.start({ dataDir });
  const [primary] = await list(second);
  assert.deepEqual(
    [primary?.connection.state, primary?.connection.closeCode, primary?.connection.closeReason],
    ["disconnected", 1012, "the hub is restarting"],
  );
});

test("connection - what a killed hub left open in the log counts as ended after a restart", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const first = await HubFixture.start({ dataDir });
  const { id, endpoint } = await first.enrol();
  await first[Symbol.asyncDispose]();
  {
    await using log = openSqliteLog({ path: join(dataDir, "log.sqlite"), maxPendingEvents: 10 });
    const recorder = new Recorder({ log, now: () => Date.now(), newId: () => "left-over" });
    const data = {
      id,
      groupId: endpoint.groupId,
      epoch: 41,
      remoteAddress: "192.0.2.1",
      trackingId: "t-41",
      tokenId: null,
    };
    await recorder.record("sallyport.connection.connected", `/primaries/${id}`, data);
  }
  await using second = await HubFixture.start({ dataDir });
  const [primary] = await list(second);
  assert.deepEqual(
    [primary?.connection.state, primary?.connection.closeCode, primary?.connection.remoteAddress],
    ["disconnected", 1006, "192.0.2.1"],
  );
});

test("connection - a newer one of the same primary takes over", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const started = Promise.withResolvers<void>();
  const older = await fixture.dial(primary, () => {
    started.resolve();
    return new Promise(() => {});
  });
  const path = `/api/v1/primaries/${primary.id}/netbackup/ping`;
  const unanswered = fixture.call({ path });
  await started.promise;
  await fixture.dial(primary, () => Promise.resolve({ status: 200, headers: {}, body: "newer" }));
  assert.deepEqual(await older.closed, { code: 1000, reason: "superseded" });
  const reply = await unanswered;
  assert.deepEqual([reply.status, reply.headers["sallyport-error"]], [502, "lost"]);
  assert.equal((await fixture.call({ path })).text, "newer");
  assert.equal((await list(fixture))[0]?.connection.state, "connected");
});

test("connection - an unknown token is answered valid:false, and the connection ends", async () => {
  await using fixture = await HubFixture.start({ limits: { maxFailuresPerAddress: 2 } });
  const primary = await fixture.enrol();
  const wrong = { ...primary, endpoint: { ...primary.endpoint, token: "wrong-token" } };
  for (let tries = 0; tries < 2; tries += 1) {
    const ended = fixture.log.next("connection.rejected");
    await assert.rejects(
      fixture.dial(wrong),
      (error) => error instanceof NbwssError && error.code === "token_refused",
    );
    await ended;
  }
  const rejected = fixture.log.next("connection.rejected");
  await assert.rejects(
    fixture.dial(wrong),
    (error) => error instanceof NbwssError && error.code === "dial_failed",
  );
  assert.equal((await rejected)["code"], 1011);
  assert.equal(fixture.log.all("token.refused").length, 2);
  // Whoever has a right token is not locked out by a stranger at the same address.
  await fixture.dial(primary);
});

test("connection - what is not allowed closes it with a reason, and the hub goes on", async () => {
  await using fixture = await HubFixture.start();
  const command = { version: "1.0", id: "0D3B0E5C-7A53-4C29-9B1C-111111111111", timeStamp: 1, payload: [] };
  const cases: [sent: string | Buffer, code: number][] = [
    [JSON.stringify({ ...command, type: "NOTIFICATION", subType: "REQUEST" }), 1008],
    ["{", 1007],
    [Buffer.from([1, 2]), 1003],
    ['{"version":"2.0","type":"CONNECT","subType":"REQUEST"}', 1008],
    ["[".repeat(100) + "]".repeat(100), 1007],
  ];
  for (const [sent, code] of cases) {
    const rejected = fixture.log.next("connection.rejected");
    const socket = new WebSocket(`${fixture.url.replace("https", "wss")}/nbwss`, { ca: fixture.ca });
    const closed = closeOf(socket);
    socket.on("open", () => socket.send(sent));
    assert.equal((await closed).code, code, sent.toString());
    assert.notEqual((await rejected)["reason"], "");
  }
  assert.equal((await fixture.call({ path: "/healthz" })).status, 200);
});

test("connection - a primary that answers what nobody asked does not fill the log", async () => {
  await using fixture = await HubFixture.start();
  const { endpoint } = await fixture.enrol();
  const id = "0D3B0E5C-7A53-4C29-9B1C-111111111111";
  const message = (type: string, subType: string, payload: object) =>
    JSON.stringify({ version: "1.0", id, timeStamp: 1, type, subType, payload });
  const socket = new WebSocket(endpoint.url, { ca: fixture.ca });
  await once(socket, "open");
  socket.send(message("CONNECT", "REQUEST", { token: endpoint.token }));
  await once(socket, "message");
  for (let n = 0; n < 300; n += 1) {
    socket.send(message("COMMAND", "RESPONSE", { status: 200, headers: {}, response: "" }));
  }
  socket.ping();
  await once(socket, "pong");
  assert.equal(fixture.log.all("command.late_response").length, 1);
  const { text } = await fixture.call({ path: "/metrics" });
  assert.match(text, /^sallyport_hub_late_responses_total 300$/m);
  socket.terminate();
});

test("data folder - belongs to one hub at a time, and to its owner only", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await using first = await HubFixture.start({ dataDir });
  assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
  await assert.rejects(createHub({ dataDir, log: new LogLines().logger }), { code: "data_dir_in_use" });
  await first.hub.close();
  await (await createHub({ dataDir, log: new LogLines().logger })).close();
});

test("administrator's key - is made once when none is given, refused when short, replaced when another is given", async () => {
  await using folder = await temporaryFolder();
  const options = { dataDir: join(folder.path, "data"), log: new LogLines().logger };
  await assert.rejects(
    createHub({ ...options, adminKey: "short" }),
    (error) => error instanceof HubError && error.code === "bad_option",
  );
  const made = await createHub(options);
  await made.close();
  assert.match(made.adminKey ?? "", /^[\w-]{43}$/);
  const again = await createHub(options);
  await again.close();
  assert.equal(again.adminKey, undefined);
  await using fixture = await HubFixture.start({ dataDir: options.dataDir });
  assert.equal((await fixture.call({ path: "/api/v1/primaries" })).status, 200);
  assert.equal((await fixture.call({ path: "/api/v1/primaries", key: made.adminKey ?? "" })).status, 401);
});

test("views - are made anew from the log when their file is gone", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const first = await HubFixture.start({ dataDir });
  const kept = await first.enrol("kept");
  const gone = await first.enrol("gone");
  await first.call({ path: `/api/v1/primaries/${gone.id}`, method: "DELETE" });
  await first[Symbol.asyncDispose]();
  await rm(join(dataDir, "views.sqlite"));
  await using second = await HubFixture.start({ dataDir });
  assert.deepEqual(
    (await list(second)).map(({ name }) => name),
    ["kept"],
  );
  await second.dial({
    ...kept,
    endpoint: { ...kept.endpoint, url: `${second.url.replace("https", "wss")}/nbwss` },
  });
});

test("health - is unready while a stopping hub lets its commands end, which are answered", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  await fixture.dial(primary, async () => {
    started.resolve();
    await ended.promise;
    return { status: 200, headers: {}, body: "done" };
  });
  const running = fixture.call({ path: `/api/v1/primaries/${primary.id}/netbackup/ping` });
  await started.promise;
  const closed = fixture.hub.close();
  assert.equal((await fixture.call({ path: "/readyz", key: null })).status, 503);
  assert.equal((await fixture.call({ path: "/healthz", key: null })).status, 200);
  ended.resolve();
  assert.deepEqual([(await running).status, (await running).text], [200, "done"]);
  await closed;
});

test("health - is open to all; openapi.json describes the routes", async () => {
  await using fixture = await HubFixture.start();
  for (const path of ["/healthz", "/readyz"])
    assert.equal((await fixture.call({ path, key: null })).status, 200);
  const { openapi, paths } = (await fixture.call({ path: "/openapi.json", key: null })).json() as {
    openapi: string;
    paths: object;
  };
  assert.match(openapi, /^3\.1/);
  assert.ok("/api/v1/primaries/{id}" in paths && "/api/v1/notifications" in paths);
  assert.equal(
    (await fixture.call({ path: "/api/v1/nothing" })).headers["content-type"],
    "application/problem+json",
  );
});
