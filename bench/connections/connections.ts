import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { median, ratiosOf, type Comparison } from "../comparison.ts";
import { freePort } from "../daemon.ts";
import { startHub, type BenchedHub } from "../hub.ts";
import type { Measured, Plan } from "../plan.ts";
import type { Program } from "../processes.ts";
import type { TestBed } from "../test-bed.ts";

interface Figures {
  /** Of the server's process, bytes for each connection. */
  rss: number;
  heap: number;
  /** From the first dial to the last CONNECT RESPONSE, against a server that was just started. */
  reconnectMs: number;
}

interface Run extends Figures {
  /** Notifications acknowledged before the kill, and after all was sent again. */
  acknowledgedBefore: number;
  acknowledged: number;
}

/** Thousands of idle primaries, and their return after a restart, against a bare `ws` server. */
export async function measureConnections(bed: TestBed, plan: Plan): Promise<Measured> {
  const ports = { ours: await freePort(), bare: await freePort() };
  const fleet = await enrolFleet(bed, plan, ports.ours);
  const ours: Run[] = [];
  const bare: Figures[] = [];
  for (let round = 0; round < plan.connectionRounds; round += 1) {
    plan.say(`connections: round ${round + 1} of ${plan.connectionRounds}`);
    const runOurs = async () => ours.push(await measureOurs(bed, plan, fleet));
    const runBare = async () => bare.push(await measureBare(bed, plan, { ...fleet, port: ports.bare }));
    if (round % 2 === 0) await runOurs();
    await runBare();
    if (round % 2 === 1) await runOurs();
  }
  const lost = await countLost(bed, fleet, plan.connections * ours.length);
  return { comparisons: compare(plan, ours, bare, lost), missing: [], versions: {} };
}

interface Fleet {
  key: string;
  port: number;
  tokensFile: string;
}

async function enrolFleet(bed: TestBed, plan: Plan, port: number): Promise<Fleet> {
  plan.say(`connections: enrolling ${plan.connections} primaries`);
  await using hub = await startHub(bed, { data: "hub-connections", port });
  const primaries = await hub.enrol(plan.connections, "fleet");
  const tokensFile = join(bed.dir, "tokens");
  await writeFile(tokensFile, primaries.map(({ token }) => token).join("\n"), { mode: 0o600 });
  return { key: hub.key, port, tokensFile };
}

/** One server with all connections idle, then killed and started again with all of them coming back. */
async function measureServer(
  plan: Plan,
  clients: Program,
  start: () => Promise<{ program: Program }>,
  beforeKill: () => Promise<number>,
): Promise<Figures & { acknowledgedBefore: number; again: Program }> {
  const first = await start();
  const before = await first.program.ask({ memory: 1 });
  await clients.ask({ what: "connect" });
  await new Promise((resolve) => setTimeout(resolve, plan.settleS * 1000));
  const after = await first.program.ask({ memory: 1 });
  const acknowledgedBefore = await beforeKill();
  await first.program.stop("SIGKILL");
  await clients.ask({ what: "lost" });
  const again = await start();
  const { ms } = await clients.ask({ what: "connect" });
  const perConnection = (member: string) =>
    (Number(after[member]) - Number(before[member])) / plan.connections;
  return {
    rss: perConnection("rss"),
    heap: perConnection("heapUsed"),
    reconnectMs: Number(ms),
    acknowledgedBefore,
    again: again.program,
  };
}

async function measureOurs(bed: TestBed, plan: Plan, fleet: Fleet): Promise<Run> {
  const url = `wss://127.0.0.1:${fleet.port}/nbwss`;
  await using clients = await bed.start("connections/clients.ts", "clients", {
    url,
    tokensFile: fleet.tokensFile,
  });
  const start = (): Promise<BenchedHub> =>
    startHub(bed, { data: "hub-connections", port: fleet.port, key: fleet.key });
  const { again, ...figures } = await measureServer(plan, clients, start, async () => {
    // Killed in the middle of them: what was acknowledged has to be there afterwards, the rest is sent again.
    const { acknowledged } = await clients.ask({ what: "notify", enough: plan.connections / 4 });
    return Number(acknowledged);
  });
  await using _ = again;
  const { acknowledged } = await clients.ask({ what: "resend" });
  return { ...figures, acknowledged: Number(acknowledged) };
}

async function measureBare(bed: TestBed, plan: Plan, fleet: Fleet): Promise<Figures> {
  const url = `wss://127.0.0.1:${fleet.port}/nbwss`;
  await using clients = await bed.start("connections/clients.ts", "clients", {
    url,
    tokensFile: fleet.tokensFile,
  });
  const start = async () => ({
    program: await bed.start("peers/bare-ws.ts", "server", { port: fleet.port }),
  });
  const { again, ...figures } = await measureServer(plan, clients, start, () => Promise.resolve(0));
  await again.stop();
  return figures;
}

interface FeedPage {
  data: { id: string }[];
  next: number;
}

/** How many of the notifications, every one of which was acknowledged, are not in the log exactly once. */
async function countLost(bed: TestBed, fleet: Fleet, expected: number): Promise<number> {
  await using hub = await startHub(bed, { data: "hub-connections", port: fleet.port, key: fleet.key });
  const seen = new Map<string, number>();
  for (let after = 0; ;) {
    const page = (await hub.read(
      `/api/v1/notifications?after=${after}&limit=1000&type=netbackup.`,
    )) as FeedPage;
    const events = page.data;
    for (const { id } of events) seen.set(id, (seen.get(id) ?? 0) + 1);
    if (events.length === 0) break;
    after = page.next;
  }
  const twice = [...seen.values()].filter((count) => count > 1).length;
  return Math.abs(expected - seen.size) + twice;
}

function compare(plan: Plan, ours: readonly Run[], bare: readonly Figures[], lost: number): Comparison[] {
  const kib = (figures: readonly number[]) => `${(median(figures) / 1024).toFixed(1)} KiB`;
  const seconds = (figures: readonly number[]) => `${(median(figures) / 1000).toFixed(1)} s`;
  const series = (runs: readonly Figures[], member: keyof Figures) => runs.map((run) => run[member]);
  const line = (what: string, member: keyof Figures, goal: Comparison["goal"]): Comparison => {
    const [mine, theirs] = [series(ours, member), series(bare, member)];
    const show = member === "reconnectMs" ? seconds : kib;
    return { what, ours: show(mine), peer: show(theirs), ratios: ratiosOf(mine, theirs), goal };
  };
  const total = plan.connections * ours.length;
  const before = ours.reduce((sum, run) => sum + run.acknowledgedBefore, 0);
  return [
    line(`memory (RSS) for each of ${plan.connections} idle primaries, to a bare ws server`, "rss", {
      atMost: 1.25,
    }),
    line("JavaScript heap for each of them", "heap", undefined),
    line(
      `${plan.connections} primaries reconnect after kill -9 and restart, to a bare ws server`,
      "reconnectMs",
      {
        atMost: 1.5,
      },
    ),
    {
      what: `notifications in the log once, of ${total} acknowledged (${before} of them before the kill)`,
      ours: String(total - lost),
      peer: String(total),
      ratios: [(total - lost) / total],
      goal: { atLeast: 1 },
    },
  ];
}
