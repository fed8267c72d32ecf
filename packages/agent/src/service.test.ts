// The whole NBWSS service against a cloud application over real TLS, WebSockets and SQLite.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { openDatabase } from "@sallyport/durable";
import { startCloud } from "../../../tests/kit/cloud.ts";
import { temporaryFolder } from "../../../tests/kit/folder.ts";
import { startTlsServer } from "../../../tests/kit/tls-server.ts";
import { type AgentError, defaultProperties, NbwssService } from "./index.ts";

const image = (backupId: string, operationId = "CREATE") => ({
  notificationType: "INFO",
  object: "IMAGE",
  data: [{ backupId, clientName: "c", clientType: "STANDARD", backupTime: 1, createdTime: 2, operationId }],
});

type Cloud = Awaited<ReturnType<typeof startCloud>>;

/** A service in `folder` that trusts `caPem`, quick to try again. */
function startService(folder: string, caPem: string, origin = "https://127.0.0.1:1") {
  const database = openDatabase({ path: join(folder, "test.sqlite"), migrations: [] });
  const lines: { msg: string; hostName?: string; reason?: string }[] = [];
  const log = pino(
    { level: "debug" },
    { write: (line: string) => lines.push(JSON.parse(line) as { msg: string }) },
  );
  const service = new NbwssService({
    database,
    auditDir: join(folder, "audit"),
    log,
    endpointCaPem: caPem,
    properties: { ...defaultProperties, sendTimeoutMs: 200, resendAfterMs: 20, connectPeriodMs: 50 },
    limits: { backoffBaseMs: 5 },
  });
  service.start({ origin, ca: [caPem] });
  return {
    service,
    lines,
    append(...entries: ReturnType<typeof image>[]) {
      service.outbox.append(entries);
      service.outbox.flush();
    },
    async [Symbol.asyncDispose]() {
      await service.close();
      database.close();
    },
  };
}

/** What an administrator does to add an endpoint whose details are at hand. */
async function addEndpoint(service: NbwssService, details: Cloud["details"]): Promise<void> {
  const { administration } = service;
  const { certificate } = await administration.validateHost(details);
  await administration.save({ ...details, certificate });
  administration.update({ hostName: details.hostName, state: "ACTIVATED" });
}

const backupIds = (cloud: Cloud) => cloud.items().map((item) => item["backupId"]);

test("service - validates, saves, activates, connects and executes; the list hides the token", async () => {
  using folder = temporaryFolder();
  await using cloud = await startCloud({ dir: folder.path });
  await using upstream = await startTlsServer(
    (request, response) => response.end(`{"path":"${request.url}"}`),
    {
      dir: folder.path,
    },
  );
  await using primary = startService(folder.path, cloud.caPem, upstream.origin);
  const { administration } = primary.service;

  const shown = await administration.validateHost(cloud.details);
  assert.equal(shown.subject, "CN=localhost");
  assert.match(shown.sha256Fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  await administration.save({ ...cloud.details, certificate: shown.certificate });
  assert.deepEqual(
    administration.list().map(({ state, connectionState, token }) => [state, connectionState, token]),
    [["DEACTIVATED", "DISCONNECTED", "********"]],
  );
  administration.update({ hostName: cloud.details.hostName, state: "ACTIVATED" });
  await cloud.until(() => cloud.connections.length === 1);
  const answer = await cloud.connections[0]?.command(
    { uri: "/netbackup/ping?x=1", method: "GET", headers: {} },
    { timeoutMs: 10_000 },
  );
  assert.deepEqual([answer?.status, answer?.body], [200, `{"path":"/netbackup/ping?x=1"}`]);

  administration.update({ hostName: cloud.details.hostName, state: "DEACTIVATED" });
  assert.equal((await cloud.connections[0]?.closed)?.code, 1000);
  administration.remove(cloud.details.hostName);
  assert.deepEqual(administration.list(), []);
});

test("service - fetches details from a URL over https only, and names what is wrong with them", async () => {
  using folder = temporaryFolder();
  await using cloud = await startCloud({ dir: folder.path });
  let details: object = cloud.details;
  await using publisher = await startTlsServer(
    (_request, response) => response.end(JSON.stringify(details)),
    {
      dir: folder.path,
    },
  );
  await using primary = startService(folder.path, cloud.caPem);
  const { administration } = primary.service;
  const secretUrl = `${publisher.origin}/details/SECRET`;
  assert.equal((await administration.validateUrl({ url: secretUrl })).hostName, cloud.details.hostName);

  const attributesOf = async (call: Promise<unknown>) =>
    call.then(
      () => assert.fail("was accepted"),
      (error: AgentError) => Object.keys(error.attributeErrors ?? { [error.code]: "" }),
    );
  assert.deepEqual(
    await attributesOf(administration.validateUrl({ url: secretUrl.replace("https", "http") })),
    ["url"],
  );
  assert.deepEqual(await attributesOf(administration.validateUrl({})), ["url"]);
  details = { ...cloud.details, priority: "high", token: undefined };
  assert.deepEqual((await attributesOf(administration.validateUrl({ url: secretUrl }))).sort(), [
    "priority",
    "token",
  ]);
  details = { ...cloud.details, url: "ws://127.0.0.1/nbwss" };
  assert.deepEqual(await attributesOf(administration.validateUrl({ url: secretUrl })), ["url"]);
  await publisher.stop();
  await assert.rejects(administration.validateUrl({ url: secretUrl }), (error: AgentError) => {
    assert.equal(error.code, "details_unreachable");
    assert.doesNotMatch(error.message, /SECRET/);
    return true;
  });
});

test("service - a details URL that answers with another protocol is refused, and keeps nobody waiting", async () => {
  using folder = temporaryFolder();
  await using cloud = await startCloud({ dir: folder.path });
  await using publisher = await startTlsServer(
    (_request, response) => {
      response.socket?.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    },
    { dir: folder.path },
  );
  await using primary = startService(folder.path, cloud.caPem);
  await assert.rejects(primary.service.administration.validateUrl({ url: `${publisher.origin}/details/x` }), {
    code: "details_unreachable",
  });
});

test("service - refuses a server that its authorities do not know, and a certificate that has changed", async () => {
  using folder = temporaryFolder();
  using other = temporaryFolder();
  await using cloud = await startCloud({ dir: folder.path });
  await using stranger = await startCloud({ dir: other.path });
  await using primary = startService(folder.path, cloud.caPem);
  const { administration } = primary.service;
  await assert.rejects(administration.validateHost(stranger.details), { code: "endpoint_unreachable" });
  const { certificate } = await administration.validateHost(cloud.details);
  await using sameAuthority = await startTlsServer(undefined, { dir: other.path });
  await assert.rejects(administration.save({ ...cloud.details, certificate: sameAuthority.caPem }), {
    code: "certificate_changed",
  });
  await assert.rejects(administration.save({ ...cloud.details, certificate: "PEM" }), {
    code: "invalid_details",
  });
  await administration.save({ ...cloud.details, certificate });
});

test("service - delivers in order, once, over a cloud that goes away and comes back", async () => {
  using folder = temporaryFolder();
  using primaryFolder = temporaryFolder();
  let cloud = await startCloud({ dir: folder.path });
  const { port } = cloud;
  await using primary = startService(primaryFolder.path, cloud.caPem);
  await addEndpoint(primary.service, cloud.details);
  primary.append(image("a_1"), image("a_2"));
  await cloud.until(() => cloud.notifications.length === 2);
  await cloud[Symbol.asyncDispose]();

  primary.append(image("a_3"), image("a_3", "UPDATE"), image("a_3", "DELETE"));
  cloud = await startCloud({ dir: folder.path, port });
  await cloud.until(() => cloud.notifications.length >= 3);
  assert.deepEqual(
    cloud.items().map((item) => [item["backupId"], item["operationId"]]),
    [
      ["a_3", "CREATE"],
      ["a_3", "UPDATE"],
      ["a_3", "DELETE"],
    ],
  );
  await cloud[Symbol.asyncDispose]();
});

test("service - sends what is not acknowledged again under the same id, and keeps the order of a subject", async () => {
  using folder = temporaryFolder();
  let failures = 3;
  const ids: string[] = [];
  const stored: unknown[] = [];
  await using cloud = await startCloud({
    dir: folder.path,
    async notified(_connection, { id, payload }) {
      ids.push(id);
      if (failures > 0) {
        failures -= 1;
        throw new Error("disk full");
      }
      stored.push(payload[0]?.data[0]?.["operationId"]);
      if (stored.length === 2) done.resolve();
    },
  });
  const done = Promise.withResolvers<void>();
  await using primary = startService(folder.path, cloud.caPem);
  await addEndpoint(primary.service, cloud.details);
  primary.append(image("a_1"), image("a_1", "DELETE"));
  await done.promise;
  assert.deepEqual(stored, ["CREATE", "DELETE"]);
  assert.equal(new Set(ids.slice(0, 4)).size, 1);
  assert.notEqual(ids[4], ids[0]);
});

test("service - a restarted primary sends what was not acknowledged, under the same id", async () => {
  using folder = temporaryFolder();
  const seen: string[] = [];
  const second = Promise.withResolvers<void>();
  const never = new Promise<void>(() => {});
  const first = Promise.withResolvers<void>();
  await using cloud = await startCloud({
    dir: folder.path,
    async notified(_connection, { id }) {
      seen.push(id);
      if (seen.length === 1) {
        first.resolve();
        await never;
      }
      second.resolve();
    },
  });
  const before = startService(folder.path, cloud.caPem);
  await addEndpoint(before.service, cloud.details);
  before.append(image("a_1"));
  await first.promise;
  await before[Symbol.asyncDispose]();
  await using _after = startService(folder.path, cloud.caPem);
  await second.promise;
  assert.equal(seen[1], seen[0]);
});

test("service - in a group takes the preferred endpoint, the next when that is down, and one connection at most", async () => {
  using folder = temporaryFolder();
  await using preferred = await startCloud({ dir: folder.path });
  await using spare = await startCloud({ dir: folder.path });
  await using primary = startService(folder.path, preferred.caPem);
  await addEndpoint(primary.service, { ...preferred.details, priority: 1 });
  await addEndpoint(primary.service, { ...spare.details, priority: 2 });
  await preferred.until(() => preferred.connections.length === 1);
  await preferred.endpoint.close();
  await spare.until(() => spare.connections.length === 1);
  primary.append(image("a_1"));
  await spare.until(() => spare.notifications.length === 1);
  assert.deepEqual(backupIds(spare), ["a_1"]);
  assert.equal(preferred.connections.length, 1);
  const states = primary.service.administration
    .list()
    .map((endpoint) => [endpoint.connectionState, endpoint.closeStatus]);
  assert.deepEqual(states, [
    ["DISCONNECTED", "SERVICE_RESTART"],
    ["CONNECTED", undefined],
  ]);
});

test("service - a refused token is tried again until the cloud knows it", async () => {
  using folder = temporaryFolder();
  let known = false;
  let tries = 0;
  await using cloud = await startCloud({
    dir: folder.path,
    async authenticate() {
      tries += 1;
      known = tries > 3;
      return known ? "branch" : undefined;
    },
  });
  await using primary = startService(folder.path, cloud.caPem);
  await addEndpoint(primary.service, cloud.details);
  await cloud.until(() => cloud.connections.length === 1);
  assert.equal(tries, 4);
  assert.equal(primary.lines.filter(({ msg }) => msg === "endpoint.token_refused").length, 3);
  assert.ok(!JSON.stringify(primary.lines).includes(cloud.details.token));
});

test("service - every group gets every notification", async () => {
  using folder = temporaryFolder();
  await using one = await startCloud({ dir: folder.path });
  await using two = await startCloud({ dir: folder.path });
  await using primary = startService(folder.path, one.caPem);
  await addEndpoint(primary.service, { ...one.details, groupId: "one" });
  await addEndpoint(primary.service, { ...two.details, groupId: "two" });
  primary.append(image("a_1"), image("a_2"));
  await one.until(() => one.notifications.length === 2);
  await two.until(() => two.notifications.length === 2);
  assert.deepEqual(backupIds(one), backupIds(two));
});
