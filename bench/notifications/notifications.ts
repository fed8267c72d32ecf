import { median, ratiosOf, type Comparison, type Goal } from "../comparison.ts";
import { startHub } from "../hub.ts";
import { isWanted, type Measured, type Plan } from "../plan.ts";
import type { Program } from "../processes.ts";
import type { Facts } from "../program.ts";
import type { TestBed } from "../test-bed.ts";

interface Contestant {
  name: string;
  goal: Goal;
  publisher: Program;
  rates: number[];
  p99: number[];
}

/** Durable notifications over TLS against what brokers store. */
export async function measureNotifications(bed: TestBed, plan: Plan): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const missing: string[] = [];
  const versions: Record<string, string> = {};
  const contestants: Contestant[] = [
    { name: "ours", goal: {}, publisher: await startOurs(bed, stack), rates: [], p99: [] },
  ];
  const peers = [
    {
      name: "JetStream, file storage (2.9 acknowledges before fsync)",
      file: "peers/jetstream.ts",
      goal: { atLeast: 1 },
    },
    {
      name: "Redis Streams, appendfsync always, plain TCP",
      file: "peers/redis-streams.ts",
      goal: { atLeast: 0.6 },
    },
  ];
  for (const { name, file, goal } of peers.filter(({ name }) => isWanted(plan, name))) {
    try {
      const server = stack.use(await bed.start(file, "server"));
      versions[name.split(",")[0] ?? name] = String(server.facts["version"]);
      const publisher = stack.use(await bed.start(file, "publisher", server.facts));
      contestants.push({ name, goal, publisher, rates: [], p99: [] });
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message}`);
    }
  }
  const run = (publisher: Program, seconds: number): Promise<Facts> =>
    publisher.ask({ inFlight: 64, seconds });
  for (const { publisher } of contestants) await run(publisher, plan.warmUpS);
  for (let round = 0; round < plan.rounds; round += 1) {
    plan.say(`notifications: round ${round + 1} of ${plan.rounds}`);
    const order = contestants.map((_, index) => contestants[(index + round) % contestants.length]);
    for (const contestant of order) {
      if (contestant === undefined) continue;
      const { perSecond, p99Ms } = await run(contestant.publisher, plan.notificationS);
      contestant.rates.push(Number(perSecond));
      contestant.p99.push(Number(p99Ms));
    }
  }
  return { comparisons: compare(contestants), missing, versions };
}

async function startOurs(bed: TestBed, stack: AsyncDisposableStack): Promise<Program> {
  const hub = stack.use(await startHub(bed, { data: "hub-notifications" }));
  const [primary] = await hub.enrol(1, "notifications");
  return stack.use(
    await bed.start("notifications/publish-to-hub.ts", "publisher", {
      url: `wss://127.0.0.1:${hub.port}/nbwss`,
      token: primary?.token ?? "",
    }),
  );
}

function compare([ours, ...others]: readonly Contestant[]): Comparison[] {
  if (ours === undefined) return [];
  const rate = (figures: readonly number[]) => `${Math.round(median(figures))}/s`;
  const ms = (figures: readonly number[]) => `${median(figures).toFixed(2)} ms`;
  return [
    ...others.map(({ name, goal, rates }) => ({
      what: `durable notifications/s, 64 in flight, to ${name}`,
      ours: rate(ours.rates),
      peer: rate(rates),
      ratios: ratiosOf(ours.rates, rates),
      goal,
    })),
    ...others.map(({ name, p99 }) => ({
      what: `p99 of the same, to ${name.split(",")[0]}`,
      ours: ms(ours.p99),
      peer: ms(p99),
      ratios: ratiosOf(ours.p99, p99),
      goal: undefined,
    })),
  ];
}
