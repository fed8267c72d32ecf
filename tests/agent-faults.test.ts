// One agent, two server groups with a hub each and two ways to it, and a network that fails in every way, again and again, while jobs run.
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { defaultProperties, NbwssService } from "@sallyport/agent";
import { HubClient } from "@sallyport/cli";
import { openDatabase } from "@sallyport/durable";
import { pino } from "pino";
import { testBothWays } from "./kit/both-ways.ts";
import { proxyFaults, startFaultProxy, type FaultProxy } from "./kit/fault-proxy.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { jobEntry } from "./kit/job-entry.ts";
import { startServer } from "./kit/sallyport.ts";
import { adminKey, until } from "./kit/site.ts";

/** Of each way to speak. */
const rounds = 100;
/** A dead endpoint is known after four intervals, and the next one is reached, or given up, within the dial's limit. */
const limits = { pingIntervalMs: 50, maxMissedPongs: 3, dialTimeoutMs: 1_000 };
const failoverLimitMs = 5_000;

interface Line {
  msg: string;
  groupId?: string;
  hostName?: string;
  time: number;
}

/** The lines of a log that can be waited for. */
class Lines {
  readonly all: Line[] = [];
  readonly #arrived = new EventTarget();

  readonly write = (text: string): void => {
    this.all.push(JSON.parse(text) as Line);
    this.#arrived.dispatchEvent(new Event("line"));
  };

  /** Waits for a line after so many. */
  async find(after: number, matches: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.all.slice(after).find(matches);
      if (found !== undefined) return found;
      await once(this.#arrived, "line");
    }
  }
}

/** The same numbers each time for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A hub of its own for one group, with two ways to it. */
async function startGroup(dir: string, groupId: string) {
  await using starting = new AsyncDisposableStack();
  const limit = ["--limit", "pingIntervalMs=200", "--limit", "maxPongDelayMs=200"];
  const hub = starting.use(
    await startServer(["hub", "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "warn", ...limit], {
      SALLYPORT_ADMIN_KEY: adminKey,
    }),
  );
  const client = starting.use(new HubClient(hub.url, adminKey, hub.caPem));
  const { id, endpoint } = await client.addPrimary({ name: "branch" });
  const port = Number(new URL(hub.url).port);
  const proxies = [
    starting.use(await startFaultProxy(port)),
    starting.use(await startFaultProxy(port)),
  ] as const;
  const running = starting.move();
  return {
    groupId,
    caPem: hub.caPem,
    proxies,
    endpoints: proxies.map((proxy, at) => ({
      ...endpoint,
      groupId,
      priority: at + 1,
      hostName: `${groupId}-${at + 1}`,
      url: `wss://127.0.0.1:${proxy.port}/nbwss`,
    })),
    /** What the hub has stored, in the order in which it did. */
    async stored(): Promise<string[]> {
      const found: string[] = [];
      for (let after = 0; ;) {
        const { data, next } = await client.notifications(after, id);
        found.push(...data.map((event) => inShort((event as { data: Record<string, unknown> }).data)));
        if (data.length === 0) return found;
        after = next;
      }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const inShort = ({ jobId, state }: Record<string, unknown>) => `${Number(jobId)} ${String(state)}`;

/** Jobs that begin and end, several at once; what is told of them goes to the outbox as from the primary's journal. */
class Jobs {
  readonly journal: string[] = [];
  readonly #service: NbwssService;
  readonly #running: number[] = [];
  #next = 1;

  constructor(service: NbwssService) {
    this.#service = service;
  }

  /** One begins; with more than three, the oldest ends. */
  step(): void {
    this.#tell(this.#next, "ACTIVE");
    this.#running.push(this.#next);
    this.#next += 1;
    if (this.#running.length > 3) this.#tell(this.#running.shift() ?? 0, "DONE");
  }

  end(): void {
    for (const jobId of this.#running.splice(0)) this.#tell(jobId, "DONE");
  }

  #tell(jobId: number, state: string): void {
    const entry = jobEntry(jobId, "client");
    this.#service.outbox.append([{ ...entry, data: entry.data.map((item) => ({ ...item, state })) }]);
    this.journal.push(`${jobId} ${state}`);
    this.#service.outbox.flush();
  }
}

/** Each group's connections must begin and end in turn: two at once would begin twice. */
function assertOneConnectionEach(lines: readonly Line[]): void {
  const connected = new Map<string, string>();
  for (const { msg, groupId = "", hostName = "" } of lines) {
    if (msg === "endpoint.connected") {
      assert.equal(
        connected.get(groupId),
        undefined,
        `${groupId}: ${hostName} beside ${connected.get(groupId)}`,
      );
      connected.set(groupId, hostName);
    }
    if (msg === "endpoint.disconnected") {
      assert.equal(connected.get(groupId), hostName);
      connected.delete(groupId);
    }
  }
}

testBothWays(
  `faults - after ${rounds} random faults each hub has the primary's journal, in order, over one connection at a time`,
  async (t) => {
    using folder = temporaryFolder();
    const seed = Number(process.env["SALLYPORT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    t.diagnostic(`SALLYPORT_TEST_SEED=${seed}`);
    const random = randomFrom(seed);
    await using east = await startGroup(join(folder.path, "east"), "east");
    await using west = await startGroup(join(folder.path, "west"), "west");
    const groups = [east, west];
    using database = openDatabase({ path: join(folder.path, "agent.db"), migrations: [] });
    const lines = new Lines();
    await using service = new NbwssService({
      database,
      auditDir: join(folder.path, "audit"),
      log: pino({ level: "info" }, lines),
      endpointCaPem: `${east.caPem}\n${west.caPem}`,
      properties: {
        ...defaultProperties,
        pingIntervalMs: limits.pingIntervalMs,
        maxMissedPongs: limits.maxMissedPongs,
        connectPeriodMs: 100,
        sendTimeoutMs: 200,
        resendAfterMs: 50,
      },
      limits: { backoffBaseMs: 10, dialTimeoutMs: limits.dialTimeoutMs, stableAfterMs: 0 },
    });
    service.start({ origin: "https://127.0.0.1:1", ca: [] });
    for (const endpoint of groups.flatMap(({ endpoints }) => endpoints)) {
      const { certificate } = await service.administration.validateHost(endpoint);
      await service.administration.save({ ...endpoint, certificate, state: "ACTIVATED" });
    }
    await Promise.all(
      groups.map(({ groupId }) =>
        lines.find(0, (line) => line.msg === "endpoint.connected" && line.groupId === groupId),
      ),
    );
    const jobs = new Jobs(service);
    const proxies = groups.flatMap((group) => group.proxies);
    for (let round = 1; round <= rounds; round += 1) {
      // Mostly where a connection is; now and then where the next one would be.
      const inUse = proxies.filter(({ connections }) => connections > 0);
      const target = pick(inUse.length > 0 && random() < 0.8 ? inUse : proxies, random);
      await strike(target, random, () => jobs.step());
      // Now and then all is well, until all is acknowledged.
      if (round % 25 === 0) await settled(service);
    }
    await failover(east, lines, () => jobs.step());
    jobs.end();
    await settled(service);

    assertOneConnectionEach(lines.all);
    for (const group of groups) {
      const stored = await group.stored();
      assert.deepEqual(stored.toSorted(), jobs.journal.toSorted(), `${group.groupId}: seed ${seed}`);
      const ofJob = (all: string[]) => Object.groupBy(all, (text) => text.replace(/ .*/, ""));
      assert.deepEqual({ ...ofJob(stored) }, { ...ofJob(jobs.journal) }, `${group.groupId}: seed ${seed}`);
    }
    const reconnects = lines.all.filter(({ msg }) => msg === "endpoint.connected").length;
    t.diagnostic(`${jobs.journal.length} notifications, ${reconnects} connections`);
    assert.ok(reconnects > rounds / 10, "the faults have hardly hit anything");
  },
);

const pick = <Item>(items: readonly Item[], random: () => number): Item => {
  const item = items[Math.floor(random() * items.length)];
  assert.ok(item !== undefined);
  return item;
};

/** One fault for some time, jobs going on. */
async function strike(proxy: FaultProxy, random: () => number, work: () => void): Promise<void> {
  const fault = pick([...proxyFaults.filter((name) => name !== "pass"), "cut"] as const, random);
  if (fault === "cut") proxy.cut();
  else proxy.be(fault);
  const steps = 1 + Math.floor(random() * 3);
  for (let step = 0; step < steps; step += 1) {
    work();
    // The fault has to last: it is the thing under test.
    await pause(10 + random() * 40);
  }
  proxy.heal();
}

/** Waits until both groups have acknowledged everything. */
function settled(service: NbwssService): Promise<void> {
  return until(() => Promise.resolve(service.outbox.size === 0));
}

/** The endpoint that the group has dies silently: the other one has to be connected within the limits. */
async function failover(
  group: Awaited<ReturnType<typeof startGroup>>,
  lines: Lines,
  work: () => void,
): Promise<void> {
  const before = lines.all.findLast(
    ({ msg, groupId }) => msg === "endpoint.connected" && groupId === group.groupId,
  );
  const at = before?.hostName?.endsWith("-1") === true ? 0 : 1;
  const from = lines.all.length;
  const diedAtMs = Date.now();
  group.proxies[at].be("half-open");
  work();
  const other = await lines.find(
    from,
    ({ msg, groupId, hostName }) =>
      msg === "endpoint.connected" && groupId === group.groupId && hostName !== before?.hostName,
  );
  assert.ok(limits.pingIntervalMs * (limits.maxMissedPongs + 1) + limits.dialTimeoutMs < failoverLimitMs);
  assert.ok(other.time - diedAtMs < failoverLimitMs, `failover took ${other.time - diedAtMs} ms`);
  // Straight from the dead one to the other: no dial of the dead one came between.
  const between = lines.all
    .slice(from, lines.all.indexOf(other))
    .filter(({ groupId }) => groupId === group.groupId);
  assert.deepEqual(
    between.filter(({ msg }) => msg.startsWith("endpoint.")).map(({ msg, hostName }) => [msg, hostName]),
    [["endpoint.disconnected", before?.hostName]],
  );
  group.proxies[at].heal();
}
