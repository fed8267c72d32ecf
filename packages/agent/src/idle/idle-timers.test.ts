// The search against a real endpoint over TLS, through a real TCP proxy with an idle timer; time is moved by the test.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { openDatabase } from "@sallyport/durable";
import { ManualClock } from "@sallyport/nbwss/testing";
import { pino } from "pino";
import { startCloud } from "../../../../tests/kit/cloud.ts";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { startIdleProxy, type IdleProxyOptions } from "../../../../tests/kit/idle-proxy.ts";
import { defaultProperties, NbwssService } from "../index.ts";
import { IdleFindings, type IdleFinding } from "./finding.ts";
import { pingPace } from "./pace.ts";
import { IdleWatch } from "./watch.ts";

/** A service that is connected to an endpoint through an idle proxy, whose timer counts for what comes after that connection. */
async function startSite(dir: string, idleMs: number, manner: IdleProxyOptions["manner"], isProbed = true) {
  await using starting = new AsyncDisposableStack();
  const clock = new ManualClock();
  const told = new EventEmitter();
  const silent = (ms: number) => {
    const isCut = ms >= idleMs;
    // As far as to what happens first: the cut, the answer, or that nobody waits for the answer any longer.
    setImmediate(() => clock.advance(!isCut ? ms : manner === "cut" ? idleMs : ms + 5_000));
  };
  const cloud = starting.use(
    await startCloud({
      dir,
      clock,
      // Its own pings must not be what keeps the connection alive.
      limits: { pingIntervalMs: 3_600_000 },
      ...(isProbed ? { probes: { keyOf: (identity: string) => identity, silent } } : {}),
    }),
  );
  const proxy = starting.use(
    await startIdleProxy({ targetPort: cloud.port, idleMs: 3_600_000, clock, manner }),
  );
  const database = openDatabase({ path: join(dir, "test.sqlite"), migrations: [] });
  starting.defer(() => database.close());
  const write = (line: string) => void told.emit((JSON.parse(line) as { msg: string }).msg);
  const service = starting.use(
    new NbwssService({
      database,
      auditDir: join(dir, "audit"),
      log: pino({ level: "debug" }, { write }),
      endpointCaPem: cloud.caPem,
      properties: defaultProperties,
      clock,
    }),
  );
  service.start({ origin: "https://127.0.0.1:1", ca: [] });
  const details = { ...cloud.details, url: `wss://127.0.0.1:${proxy.port}/nbwss` };
  const { certificate } = await service.administration.validateHost(details);
  await service.administration.save({ ...details, certificate });
  const live = once(cloud.server, "secureConnection") as Promise<[EventEmitter]>;
  service.administration.update({ hostName: details.hostName, state: "ACTIVATED" });
  await cloud.until(() => cloud.connections.length === 1);
  proxy.idleMs = idleMs;
  const running = starting.move();
  const [socket] = await live;
  return {
    clock,
    cloud,
    database,
    service,
    details,
    told,
    /** The endpoint's end of the group's connection. */
    socket,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

for (const manner of ["cut", "forget"] as const) {
  test(`idle timers - are found out beside the connection, kept, and pinged below (${manner})`, async () => {
    using folder = temporaryFolder();
    await using site = await startSite(folder.path, 20_000, manner);
    const { clock, cloud, service, details } = site;
    assert.equal(service.idle.list()[0]?.pingIntervalMs, 30_000);
    const found = once(site.told, "idle.found");
    service.idle.search({ limitMs: 60_000 });
    await found;
    await turn();
    const [status] = service.idle.list();
    const { survivedMs = 0, cutMs = 0, isComplete } = status?.finding ?? {};
    assert.ok(survivedMs < 20_000 && cutMs >= 20_000 && cutMs <= survivedMs * 1.15, `${survivedMs} ${cutMs}`);
    assert.equal(isComplete, true);
    assert.deepEqual([cloud.connections.length, cloud.connections[0]?.isOpen], [1, true]);
    const intervalMs = Math.floor(survivedMs * 0.75);
    assert.equal(status?.pingIntervalMs, intervalMs);
    const pinged = once(site.socket, "data");
    clock.advance(intervalMs);
    await pinged;
    assert.deepEqual(new IdleFindings(site.database).of(details), status?.finding);
    assert.equal(new IdleFindings(site.database).of({ ...details, url: "wss://moved/nbwss" }), undefined);
    service.administration.remove(details.hostName);
    assert.equal(new IdleFindings(site.database).of(details), undefined);
  });
}

test("idle timers - an endpoint of NBWSS 1.0 alone is left as it is, and a search has its bounds", async () => {
  using folder = temporaryFolder();
  await using site = await startSite(folder.path, 20_000, "cut", false);
  const { service, details, cloud } = site;
  const notFound = once(site.told, "idle.not_found");
  service.idle.search({ limitMs: 60_000 });
  await notFound;
  const [status] = service.idle.list();
  assert.equal(status?.progress?.state, "unsupported");
  assert.equal(status.pingIntervalMs, 30_000);
  await assert.rejects(service.idle.tryToken(details.hostName), { code: "probe_unsupported" });
  assert.equal(cloud.connections[0]?.isOpen, true);
  assert.throws(() => service.idle.search({ limitMs: 1_800_001 }), { code: "invalid_details" });
  assert.throws(() => service.idle.search({ limitMs: "1m" }), { code: "invalid_details" });
});

test("idle timers - pings go below what is borne, and as long a silence of the peer is tolerated as ever", () => {
  const set = { intervalMs: 30_000, maxMissed: 3 };
  assert.deepEqual(pingPace(set, undefined), set);
  assert.deepEqual(pingPace(set, { survivedMs: 10_000, cutMs: undefined }), set);
  assert.deepEqual(pingPace(set, { survivedMs: 50_000, cutMs: 55_000 }), set);
  assert.deepEqual(pingPace(set, { survivedMs: 20_000, cutMs: 22_000 }), {
    intervalMs: 15_000,
    maxMissed: 7,
  });
  assert.deepEqual(pingPace(set, { survivedMs: 0, cutMs: 400 }), { intervalMs: 1_000, maxMissed: 119 });
});

test("idle watch - looks at each connected endpoint rarely, sooner again after a failure, later where it was found out lately", async () => {
  const clock = new ManualClock();
  const limits = {
    idleFirstMs: 600_000,
    idleSpreadMs: 1_000,
    idleAgainMs: 7 * 86_400_000,
    idleRetryMs: 3_600_000,
  };
  let connected = [{ hostName: "a" }, { hostName: "b" }];
  const findings = new Map<string, IdleFinding>([
    [
      "b",
      { survivedMs: 1, cutMs: undefined, limitMs: 1, isComplete: true, foundAtMs: clock.now() - 86_400_000 },
    ],
  ]);
  const searched: string[] = [];
  let state: "found" | "failed" = "failed";
  using _watch = new IdleWatch({
    connected: () => connected,
    findingOf: ({ hostName }) => findings.get(hostName),
    async search({ hostName }) {
      searched.push(hostName);
      const finding = {
        survivedMs: 1,
        cutMs: undefined,
        limitMs: 1,
        isComplete: true,
        foundAtMs: clock.now(),
      };
      return state === "found" ? { state, finding } : { state, reason: "busy" };
    },
    clock,
    random: () => 0.5,
    limits,
  });
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 60_000) {
      clock.advance(60_000);
      await turn();
    }
    return searched.splice(0);
  };
  assert.deepEqual(await pass(600_000), []);
  assert.deepEqual(await pass(120_000), ["a"]);
  assert.deepEqual(await pass(3_600_000), []);
  state = "found";
  assert.deepEqual(await pass(120_000), ["a"]);
  assert.deepEqual(await pass(5 * 86_400_000), []);
  assert.deepEqual(await pass(86_400_000), ["b"]);
  connected = [];
  assert.deepEqual(await pass(86_400_000), []);
});
