import { readFile } from "node:fs/promises";
import { judge, median, ratiosOf, type Comparison, type Goal } from "../comparison.ts";
import { startHub } from "../hub.ts";
import type { Program } from "../processes.ts";
import type { Facts } from "../program.ts";
import { cpuTimeOf } from "../cpu-time.ts";
import { isWanted, type Measured, type Plan } from "../plan.ts";
import type { TestBed } from "../test-bed.ts";
import { load, requireAnswer, type Load, type Way } from "./load.ts";

interface Peer {
  name: string;
  file: string;
  /** Its roles in the order in which they are started; each is told what those before it said. */
  roles: readonly string[];
  /** Goal for commands per second at 64 in flight. */
  throughput: Goal;
  /** Goal for the median at one at a time. */
  latency?: Goal;
  /** One of the peers whose best p99 ours must not exceed. */
  isTunnel: boolean;
}

// "Above" and "below" need a difference: one part in a hundred.
const above = { atLeast: 1.01 };
const below = { atMost: 0.99 };

const peers: readonly Peer[] = [
  {
    name: "@fastify/http-proxy",
    file: "peers/fastify-http-proxy.ts",
    roles: ["proxy"],
    throughput: { atLeast: 1 },
    isTunnel: false,
  },
  {
    name: "nginx",
    file: "peers/nginx.ts",
    roles: ["proxy"],
    throughput: { atLeast: 0.6 },
    latency: { atMost: 3.5 },
    isTunnel: false,
  },
  {
    name: "socket.io with acknowledgements",
    file: "peers/socketio.ts",
    roles: ["bridge", "agent"],
    throughput: above,
    latency: below,
    isTunnel: true,
  },
  {
    name: "rpc-websockets",
    file: "peers/rpc-websockets.ts",
    roles: ["agent", "bridge"],
    throughput: above,
    latency: below,
    isTunnel: true,
  },
  {
    name: "NATS request/reply bridge",
    file: "peers/nats-bridge.ts",
    roles: ["broker", "agent", "bridge"],
    throughput: above,
    isTunnel: true,
  },
  { name: "ssh -R", file: "peers/ssh.ts", roles: ["server", "client"], throughput: above, isTunnel: true },
  {
    name: "localtunnel",
    file: "peers/localtunnel.ts",
    roles: ["server", "client"],
    throughput: above,
    isTunnel: true,
  },
];

interface Contestant {
  peer: Peer | undefined;
  way: Way;
  /** The processes of its way, the target among them. */
  programs: readonly Program[];
  many: Costed[];
  single: Costed[];
}

/** A run of the load generator, and what it cost. */
interface Costed extends Load {
  /** CPU of all processes of the way for each command, µs; the load generator's is not in it. */
  cpuUs: number;
}

/** Commands through the hub against every peer, round by round. */
export async function measureCommands(bed: TestBed, plan: Plan): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const target = stack.use(await bed.start("commands/target.ts", "target"));
  const ca = await readFile(bed.ca, "utf8");
  const missing: string[] = [];
  const versions: Record<string, string> = {};
  const { way: ours, programs } = await startOurs(bed, stack, target);
  const contestants: Contestant[] = [{ peer: undefined, way: ours, programs, many: [], single: [] }];
  for (const peer of peers.filter(({ name }) => isWanted(plan, name))) {
    try {
      const { facts, programs } = await startRoles(bed, stack, peer, target);
      if (typeof facts["version"] === "string") versions[peer.name] = facts["version"];
      const headers: Record<string, string> =
        typeof facts["host"] === "string" ? { Host: facts["host"] } : {};
      const way = { port: Number(facts["port"]), path: "/netbackup/admin/jobs/4711", headers };
      await requireAnswer(way, ca, Number(target.facts["bytes"]));
      contestants.push({ peer, way, programs, many: [], single: [] });
    } catch (error) {
      missing.push(`${peer.name}: ${(error as Error).message}`);
    }
  }
  await requireAnswer(ours, ca, Number(target.facts["bytes"]));
  for (const { way } of contestants) await load(way, 64, plan.warmUpS);
  for (let round = 0; round < plan.rounds; round += 1) {
    plan.say(`commands: round ${round + 1} of ${plan.rounds}`);
    // Each round begins with another one, so that nobody always comes after the same neighbour.
    const order = contestants.map((_, index) => contestants[(index + round) % contestants.length]);
    for (const contestant of order) {
      contestant?.many.push(await loadAt(contestant, 64, plan.commandS));
      contestant?.single.push(await loadAt(contestant, 1, plan.commandS));
    }
  }
  return { comparisons: compare(contestants), missing, versions };
}

async function loadAt({ way, programs }: Contestant, inFlight: number, seconds: number): Promise<Costed> {
  const pids = programs.map(({ pid }) => pid);
  const before = cpuTimeOf(pids);
  const figures = await load(way, inFlight, seconds);
  return { ...figures, cpuUs: (cpuTimeOf(pids) - before) / (figures.perSecond * seconds) };
}

async function startOurs(
  bed: TestBed,
  stack: AsyncDisposableStack,
  target: Program,
): Promise<{ way: Way; programs: readonly Program[] }> {
  const hub = stack.use(await startHub(bed, { data: "hub-commands" }));
  const [primary] = await hub.enrol(1, "commands");
  if (primary === undefined) throw new Error("no primary");
  const service = stack.use(
    await bed.start("commands/service.ts", "service", {
      ...target.facts,
      url: `wss://127.0.0.1:${hub.port}/nbwss`,
      token: primary.token,
    }),
  );
  const headers = { Authorization: `Bearer ${hub.key}` };
  const path = `/api/v1/primaries/${primary.id}/netbackup/admin/jobs/4711`;
  return { way: { port: hub.port, path, headers }, programs: [hub.program, service, target] };
}

async function startRoles(
  bed: TestBed,
  stack: AsyncDisposableStack,
  peer: Peer,
  target: Program,
): Promise<{ facts: Facts; programs: readonly Program[] }> {
  let { facts } = target;
  const programs = [target];
  for (const role of peer.roles) {
    const program: Program = stack.use(await bed.start(peer.file, role, facts));
    programs.push(program);
    facts = { ...facts, ...program.facts };
  }
  return { facts, programs };
}

function compare(contestants: readonly Contestant[]): Comparison[] {
  const [ours, ...others] = contestants;
  if (ours === undefined) return [];
  const series = (of: readonly Costed[], member: keyof Costed) => of.map((one) => one[member]);
  const line = (
    other: Contestant,
    measure: { runs: "many" | "single"; member: keyof Costed; goal: Goal | undefined },
  ): Comparison => {
    const { runs, member, goal } = measure;
    const [mine, theirs] = [series(ours[runs], member), series(other[runs], member)];
    const { unit, show } = members[member];
    const count = runs === "many" ? "64 in flight" : "one at a time";
    const what = `${unit}, ${count}, to ${other.peer?.name ?? ""}`;
    return {
      what,
      ours: show(median(mine)),
      peer: show(median(theirs)),
      ratios: ratiosOf(mine, theirs),
      goal,
    };
  };
  const throughput = others.map((other) =>
    line(other, { runs: "many", member: "perSecond", goal: other.peer?.throughput }),
  );
  const tails = others
    .filter(({ peer }) => peer?.isTunnel)
    .map((other) => line(other, { runs: "many", member: "p99Ms", goal: undefined }));
  // "No worse than the best of them": the one that ours compares worst with.
  const worst = tails.toSorted((a, b) => judge(b).median - judge(a).median)[0];
  if (worst !== undefined) worst.goal = { atMost: 1 };
  const latencies = others.map((other) =>
    line(other, { runs: "single", member: "p50Ms", goal: other.peer?.latency }),
  );
  const costs = others.map((other) => line(other, { runs: "many", member: "cpuUs", goal: undefined }));
  return [...throughput, ...tails, ...latencies, ...costs];
}

/** How each member is called and shown. */
const members: Record<keyof Costed, { unit: string; show: (figure: number) => string }> = {
  perSecond: { unit: "commands/s", show: (figure) => `${Math.round(figure)}/s` },
  p50Ms: { unit: "p50", show: (figure) => `${figure.toFixed(2)} ms` },
  p99Ms: { unit: "p99", show: (figure) => `${figure.toFixed(2)} ms` },
  cpuUs: { unit: "CPU for each", show: (figure) => `${Math.round(figure)} µs` },
};
