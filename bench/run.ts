// Measures the hub and the primary against their peers and writes RESULTS.md: `npm run bench -- --help` says how.
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureAgentMemory } from "./agent/agent-memory.ts";
import { measureCommands } from "./commands/commands.ts";
import type { Comparison } from "./comparison.ts";
import { measureConnections } from "./connections/connections.ts";
import { versionOf } from "./daemon.ts";
import { measureNotifications } from "./notifications/notifications.ts";
import { installPeers, packageVersion } from "./peers/install.ts";
import { fullPlan, quickPlan, type Measured, type Plan } from "./plan.ts";
import { measureBackups } from "./primary/backups.ts";
import { measureContents } from "./primary/contents.ts";
import { measureLists } from "./primary/lists.ts";
import { measurePrimaryMemory } from "./primary/primary-memory.ts";
import { toTable, writeResults, type Circumstances } from "./results.ts";
import { makeTestBed, type TestBed } from "./test-bed.ts";

type Part = (bed: TestBed, plan: Plan) => Promise<Measured>;
const parts: Record<string, Part> = {
  commands: measureCommands,
  notifications: measureNotifications,
  // Memory and reconnecting are measured in one go, on the same connections.
  connections: measureConnections,
  agent: measureAgentMemory,
  backups: measureBackups,
  lists: measureLists,
  contents: measureContents,
  primary: measurePrimaryMemory,
};
const synonyms: Record<string, string> = { memory: "connections", reconnect: "connections" };

const helpText = `npm run bench -- [--quick] [--only PART,…] [--peers NAME,…] [--out FILE]

Measures the hub against its peers, and the primary against restic and SQLite, on this machine and writes bench/RESULTS.md: some
thirteen minutes.

  --quick         only shows that all of it runs; the figures are too few to judge by
  --only PART,…   ${Object.keys(parts).join(", ")}; memory and reconnect are names for connections;
                  backups, lists, contents and primary (its memory) are the primary's
  --peers NAME,…  only peers whose names contain one of these, such as nginx,socket.io
  --out FILE      writes the results there instead

  npm run bench -- --only commands --peers nginx --out /tmp/nginx.md
  BENCH_CPU_PROF=/tmp/profiles npm run bench -- --only commands
`;

process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/sbin`;
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    peers: { type: "string", default: "" },
    help: { type: "boolean", default: false },
    out: { type: "string", default: join(import.meta.dirname, "RESULTS.md") },
  },
});
if (values.help) {
  process.stdout.write(helpText);
  process.exit(0);
}
const wanted = (values.only?.split(",") ?? Object.keys(parts)).map((name) => synonyms[name] ?? name);
const unknown = wanted.find((name) => !Object.hasOwn(parts, name));
if (unknown !== undefined) {
  process.stderr.write(`bench: there is no "${unknown}"; --only takes ${Object.keys(parts).join(", ")}\n`);
  process.exit(2);
}
process.exitCode = await run([...new Set(wanted)]);

async function run(names: readonly string[]): Promise<number> {
  const startedAtMs = performance.now();
  const say = (line: string) => process.stderr.write(`bench: ${line}\n`);
  const peers = values.peers.split(",").filter((name) => name !== "");
  const plan: Plan = { ...(values.quick ? quickPlan : fullPlan), peers, say };
  const comparisons: Comparison[] = [];
  const missing: string[] = [];
  const versions: Record<string, string> = {};
  const notInstalled = installPeers();
  if (notInstalled !== undefined) missing.push(notInstalled);
  await using bed = await makeTestBed();
  const syncsPerSecond = measureSyncs(bed.dir);
  for (const name of names) {
    try {
      const measured = await parts[name]?.(bed, plan);
      comparisons.push(...(measured?.comparisons ?? []));
      missing.push(...(measured?.missing ?? []));
      Object.assign(versions, measured?.versions);
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message}`);
    }
  }
  for (const line of missing) say(`not measured: ${line}`);
  process.stdout.write(`${toTable(comparisons)}\n`);
  const about: Circumstances = {
    arguments: process.argv.slice(2).join(" "),
    versions: { ...(await ownVersions()), ...versions },
    missing,
    syncsPerSecond,
    tookS: (performance.now() - startedAtMs) / 1000,
  };
  writeResults(values.out, comparisons, about);
  say(`written to ${values.out}`);
  return comparisons.length === 0 ? 1 : 0;
}

async function ownVersions(): Promise<Record<string, string>> {
  const names = ["@fastify/http-proxy", "socket.io", "rpc-websockets", "nats", "redis", "localtunnel"];
  const packages = names.map((name) => [name, packageVersion(name)] as const);
  return {
    "Node.js": process.version,
    wrk: await versionOf("wrk", ["-v"]),
    ...Object.fromEntries(packages),
  };
}

function measureSyncs(dir: string): number {
  const file = openSync(join(dir, "sync"), "w", 0o600);
  const block = Buffer.alloc(4096);
  const startedAtMs = performance.now();
  let count = 0;
  while (performance.now() - startedAtMs < 300) {
    writeSync(file, block);
    fdatasyncSync(file);
    count += 1;
  }
  closeSync(file);
  return (count * 1000) / (performance.now() - startedAtMs);
}
