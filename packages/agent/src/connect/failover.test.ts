// Which endpoint a group is connected to, with real clouds over TLS and a proxy that makes the network fail.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { openDatabase } from "@sallyport/durable";
import type { ProxyEnvironment } from "@sallyport/nbwss";
import { startCloud } from "../../../../tests/kit/cloud.ts";
import { startFaultProxy } from "../../../../tests/kit/fault-proxy.ts";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { startTlsServer } from "../../../../tests/kit/tls-server.ts";
import { defaultProperties, NbwssService } from "../index.ts";

type Cloud = Awaited<ReturnType<typeof startCloud>>;

interface ServiceTerms {
  proxy?: ProxyEnvironment;
  upstream?: string;
  pingIntervalMs?: number;
  maxMissedPongs?: number;
  dialTimeoutMs?: number;
  livenessTimeoutMs?: number;
}

/** A service in `folder` that trusts `caPem`, and whose log a test can wait for. */
function startService(folder: string, caPem: string, terms: ServiceTerms = {}) {
  const { proxy, upstream = "https://127.0.0.1:1", ...more } = terms;
  const { dialTimeoutMs = 10_000, livenessTimeoutMs = 10_000, ...keepAlive } = more;
  const database = openDatabase({ path: join(folder, "test.sqlite"), migrations: [] });
  const lines: { msg: string; hostName?: string; reason?: string }[] = [];
  const logged = new EventTarget();
  const write = (line: string) => {
    lines.push(JSON.parse(line) as { msg: string });
    logged.dispatchEvent(new Event("line"));
  };
  const service = new NbwssService({
    database,
    auditDir: join(folder, "audit"),
    log: pino({ level: "debug" }, { write }),
    endpointCaPem: caPem,
    proxy,
    properties: { ...defaultProperties, connectPeriodMs: 50, ...keepAlive },
    limits: { backoffBaseMs: 5, stableAfterMs: 0, dialTimeoutMs, livenessTimeoutMs },
  });
  service.start({ origin: upstream, ca: [caPem] });
  const routes = service.routes();
  return {
    service,
    lines,
    /** What the list says of an endpoint. */
    shown: (cloud: Cloud) => service.administration.list().find(({ url }) => url === cloud.details.url),
    async until(condition: () => boolean): Promise<void> {
      while (!condition()) await once(logged, "line");
    },
    /** Calls our own part of the administration. */
    call: (method: string, path: string, body: object) =>
      routes.request(`/sallyport${path}`, {
        method,
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    async [Symbol.asyncDispose]() {
      await service.close();
      database.close();
    },
  };
}

async function addEndpoint(service: NbwssService, details: Cloud["details"]): Promise<void> {
  const { certificate } = await service.administration.validateHost(details);
  await service.administration.save({ ...details, certificate });
  service.administration.update({ hostName: details.hostName, state: "ACTIVATED" });
}

/** Two clouds that count how many connections of the group there are at once. */
async function startTwoClouds(dir: string) {
  const counts = { now: 0, most: 0 };
  const closings: { code: number; reason: string }[] = [];
  const start = () =>
    startCloud({
      dir,
      connected(connection) {
        counts.now += 1;
        counts.most = Math.max(counts.most, counts.now);
        void connection.closed.then((info) => {
          counts.now -= 1;
          closings.push(info);
        });
        arrived.dispatchEvent(new Event("arrival"));
      },
    });
  const arrived = new EventTarget();
  return { counts, closings, arrived, first: await start(), second: await start() };
}

const failBack = (mode: object) => ({ failBack: mode });

test("failover - by the rule the group moves back to the preferred endpoint, and never has two connections", async () => {
  using folder = temporaryFolder();
  const { counts, closings, ...clouds } = await startTwoClouds(folder.path);
  await using first = clouds.first;
  await using second = clouds.second;
  await using primary = startService(folder.path, first.caPem);
  const connectedTo = (cloud: Cloud) => () => primary.shown(cloud)?.connectionState === "CONNECTED";
  await addEndpoint(primary.service, { ...second.details, priority: 2 });
  await primary.until(connectedTo(second));
  await addEndpoint(primary.service, { ...first.details, priority: 1 });
  // NetBackup's rule: no fail-back, however preferred the other one is.
  assert.equal((await primary.call("PUT", "/groups/cloud", failBack({ mode: "never" }))).status, 200);
  await primary.service.reconnect();
  assert.equal(connectedTo(second)(), true);

  assert.equal((await primary.call("PUT", "/groups/cloud", failBack({ mode: "now" }))).status, 200);
  await primary.until(connectedTo(first));
  assert.deepEqual(closings, [{ code: 1000, reason: "the primary moves to a preferred endpoint" }]);
  assert.deepEqual(counts, { now: 1, most: 1 });
});

test("failover - when-idle waits until the commands that run are answered", async () => {
  using folder = temporaryFolder();
  await using first = await startCloud({ dir: folder.path });
  await using second = await startCloud({ dir: folder.path });
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using upstream = await startTlsServer(
    (_request, response) => {
      asked.resolve();
      void answer.promise.then(() => response.end("{}"));
    },
    { dir: folder.path },
  );
  await using primary = startService(folder.path, first.caPem, { upstream: upstream.origin });
  await addEndpoint(primary.service, { ...second.details, priority: 2 });
  await second.until(() => second.connections.length === 1);
  const ping = { uri: "/netbackup/ping", method: "GET" as const, headers: {} };
  const answered = second.connections[0]?.command(ping, { timeoutMs: 30_000 });
  await asked.promise;
  await primary.call("PUT", "/groups/cloud", failBack({ mode: "when-idle" }));
  await addEndpoint(primary.service, { ...first.details, priority: 1 });
  // A look at the preferred endpoint has been made, and the command still runs.
  await primary.service.reconnect();
  assert.equal(first.connections.length, 0);
  answer.resolve();
  assert.equal((await answered)?.status, 200);
  await first.until(() => first.connections.length === 1);
});

test("failover - a preferred endpoint that refuses the token gets one try, and the group keeps its connection after it", async () => {
  using folder = temporaryFolder();
  let tries = 0;
  await using refusing = await startCloud({
    dir: folder.path,
    authenticate: async () => {
      tries += 1;
      return undefined;
    },
  });
  await using good = await startCloud({ dir: folder.path });
  await using primary = startService(folder.path, good.caPem);
  await addEndpoint(primary.service, { ...good.details, priority: 2 });
  await good.until(() => good.connections.length === 1);
  await primary.call("PUT", "/groups/cloud", failBack({ mode: "now" }));
  await addEndpoint(primary.service, { ...refusing.details, priority: 1 });
  await good.until(() => good.connections.length === 2);
  assert.equal(tries, 1);
  assert.equal(primary.shown(refusing)?.closeStatus, "VIOLATED_POLICY");
  assert.match(primary.shown(refusing)?.failure ?? "", /does not accept the token/);
});

test("failover - from an endpoint that has gone silent to the next one, also when the first takes connections and says nothing", async () => {
  using folder = temporaryFolder();
  await using dead = await startCloud({ dir: folder.path });
  await using spare = await startCloud({ dir: folder.path });
  await using network = await startFaultProxy(dead.port);
  await using primary = startService(folder.path, dead.caPem, {
    pingIntervalMs: 30,
    maxMissedPongs: 1,
    dialTimeoutMs: 100,
  });
  const url = `wss://127.0.0.1:${network.port}/nbwss`;
  await addEndpoint(primary.service, { ...dead.details, url, priority: 1 });
  await addEndpoint(primary.service, { ...spare.details, priority: 2 });
  await dead.until(() => dead.connections.length >= 1);
  network.swallowServerBytes();
  // Where so short a silence counts as death, a busy machine may make either of them die more often.
  await spare.until(() => spare.connections.length >= 1);

  // Both gone: each round takes no longer than a dial may, and none is the last.
  await spare[Symbol.asyncDispose]();
  await primary.until(() => primary.lines.filter(({ msg }) => msg === "endpoint.unreachable").length >= 4);
  const before = dead.connections.length;
  network.heal();
  network.cut();
  await dead.until(() => dead.connections.length > before);
});

test("failover - a certificate that has changed is refused with its state, and accepted again without the token", async () => {
  using folder = temporaryFolder();
  using other = temporaryFolder();
  const cloud = await startCloud({ dir: folder.path });
  const { port, caPem } = cloud;
  const impostor = { dir: other.path, port };
  await using helper = await startTlsServer(undefined, { dir: other.path });
  await using primary = startService(folder.path, `${caPem}\n${helper.caPem}`);
  await addEndpoint(primary.service, cloud.details);
  await cloud.until(() => cloud.connections.length === 1);
  await cloud[Symbol.asyncDispose]();
  await using changed = await startCloud(impostor);
  await primary.until(() => primary.shown(changed)?.closeStatus === "TLS_HANDSHAKE_FAILURE");
  const shown = primary.shown(changed);
  assert.equal(shown?.connectionState, "DISCONNECTED");
  assert.match(shown?.failure ?? "", /shows another certificate \(SHA-256 .*\) than the accepted one/);
  assert.equal(changed.connections.length, 0);

  const { administration } = primary.service;
  const hidden = { ...changed.details, token: "********" };
  const { certificate } = await administration.validateHost(hidden);
  const elsewhere = { ...hidden, url: `wss://127.0.0.1:${helper.port}/nbwss`, certificate };
  await assert.rejects(administration.save(elsewhere), { code: "invalid_details" });
  await administration.save({ ...hidden, certificate, state: "ACTIVATED" });
  await changed.until(() => changed.connections.length === 1);
  await primary.until(() => primary.shown(changed)?.failure === undefined);
});

test("failover - an administrator who asks for it gets a new connection, at the preferred endpoint", async () => {
  using folder = temporaryFolder();
  await using first = await startCloud({ dir: folder.path });
  await using second = await startCloud({ dir: folder.path });
  await using primary = startService(folder.path, first.caPem);
  await addEndpoint(primary.service, { ...second.details, priority: 2 });
  await second.until(() => second.connections.length === 1);
  await addEndpoint(primary.service, { ...first.details, priority: 1 });
  assert.equal((await primary.call("POST", "/reconnect", { groupId: "none" })).status, 404);
  assert.equal((await primary.call("POST", "/reconnect", {})).status, 200);
  assert.equal(first.connections.length, 0);
  assert.equal((await primary.call("POST", "/reconnect", { groupId: "cloud", force: true })).status, 200);
  await first.until(() => first.connections.length === 1);
});

/** An HTTP proxy that wants a password. */
async function startProxy() {
  const seen: string[] = [];
  const server = createServer();
  server.on("connect", (request, client) => {
    const isKnown = request.headers["proxy-authorization"] === `Basic ${btoa("us@er:SE:CRET")}`;
    seen.push(`${isKnown ? 200 : 407} ${request.url}`);
    if (!isKnown) return client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const target = connect(Number(request.url?.split(":").at(-1)), "127.0.0.1", () =>
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n"),
    );
    client.pipe(target).pipe(client);
    for (const [one, two] of [
      [client, target],
      [target, client],
    ] as const) {
      one.on("error", () => two.destroy());
      one.on("close", () => two.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    seen,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

test("failover - goes through a proxy with a password, for validation and for the connection, and says what the proxy says", async () => {
  using folder = temporaryFolder();
  await using proxy = await startProxy();
  {
    await using cloud = await startCloud({ dir: folder.path });
    const HTTPS_PROXY = `http://us%40er:SE%3ACRET@127.0.0.1:${proxy.port}`;
    await using primary = startService(folder.path, cloud.caPem, { proxy: { HTTPS_PROXY } });
    await addEndpoint(primary.service, cloud.details);
    await cloud.until(() => cloud.connections.length === 1);
    const through = `200 127.0.0.1:${cloud.port}`;
    assert.deepEqual([...new Set(proxy.seen)], [through]);
    assert.ok(proxy.seen.length >= 3, "validation, save and connection");
    assert.doesNotMatch(JSON.stringify(primary.lines), /CRET/);
  }
  await using cloud = await startCloud({ dir: folder.path });
  using other = temporaryFolder();
  const HTTPS_PROXY = `http://nobody:SECRET@127.0.0.1:${proxy.port}`;
  await using refused = startService(other.path, cloud.caPem, { proxy: { HTTPS_PROXY } });
  await assert.rejects(refused.service.administration.validateHost(cloud.details), (error: Error) => {
    assert.match(error.message, /407/);
    assert.doesNotMatch(error.message, /SECRET/);
    return true;
  });
  using third = temporaryFolder();
  await using direct = startService(third.path, cloud.caPem, {
    proxy: { HTTPS_PROXY, NO_PROXY: "127.0.0.1" },
  });
  assert.equal((await direct.service.administration.validateHost(cloud.details)).subject, "CN=localhost");
});
