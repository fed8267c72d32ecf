// What a long answer costs hub and agent, and what a short command costs them under each protocol: all processes as users start them.
// node scripts/run.mjs bench/streams/streams.ts [GiB]
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { HubClient } from "@sallyport/cli";
import { temporaryFolder } from "../../tests/kit/folder.ts";
import { freePort, sallyport, startServer, type ServerProcess } from "../../tests/kit/sallyport.ts";
import { adminKey, until } from "../../tests/kit/site.ts";
import { startTlsServer } from "../../tests/kit/tls-server.ts";

const gib = 1024 ** 3;
const answerBytes = Number(process.argv[2] ?? 2) * gib;
const commands = 4_000;
const inFlight = 32;
const chunk = Buffer.alloc(64 * 1024, "sallyport ");

using folder = temporaryFolder();
await using upstream = await startTlsServer((incoming, response) => {
  if (incoming.url?.endsWith("/long") !== true) {
    response.setHeader("Content-Type", "application/json");
    response.end(`{"filler":"${"x".repeat(286)}"}`);
    return;
  }
  response.setHeader("Content-Length", answerBytes);
  let left = answerBytes;
  const write = () => {
    while (left > 0) {
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once("drain", write);
        return;
      }
    }
    response.end();
  };
  write();
});
const upstreamCa = join(folder.path, "upstream.pem");
writeFileSync(upstreamCa, upstream.caPem);

const port = await freePort();
const startHub = (protocol: string) =>
  startServer(
    [
      "hub",
      "--data",
      join(folder.path, "hub"),
      "--listen",
      `127.0.0.1:${port}`,
      "--log-level",
      "error",
      "--protocol",
      protocol,
    ],
    { SALLYPORT_ADMIN_KEY: adminKey },
  );
let hub = await startHub("sallyport.v1");
await using client = new HubClient(hub.url, adminKey, hub.caPem);
const primary = await client.addPrimary({ name: "bench" });
const detailsFile = join(folder.path, "endpoint.json");
writeFileSync(detailsFile, JSON.stringify(primary.endpoint));
const agentDir = join(folder.path, "agent");
await using agent = await startServer(
  [
    "agent",
    "--data",
    agentDir,
    "--upstream",
    upstream.origin,
    "--upstream-ca",
    upstreamCa,
    "--listen",
    "127.0.0.1:0",
    "--ca",
    hub.caFile,
  ],
  {},
);
const added = await sallyport(["endpoint", "add", "--file", detailsFile, "--yes"], {
  SALLYPORT_AGENT: agentDir,
});
if (added.code !== 0) throw new Error(added.stderr);
const connected = () =>
  until(async () => (await client.findPrimary(primary.id)).connection.state === "connected");
const callers = new Agent({ keepAlive: true, maxSockets: inFlight + 1, ca: hub.caPem });

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Makes one call through hub and agent; returns the bytes of its body. */
function call(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent: callers,
        host: "127.0.0.1",
        port,
        path: `/api/v1/primaries/${primary.id}/netbackup/${path}`,
        headers: { Authorization: `Bearer ${adminKey}` },
      },
      (response) => {
        let bytes = 0;
        response.on("data", (data: Buffer) => (bytes += data.length));
        response.on("error", reject);
        response.on("end", () =>
          response.statusCode === 200 ? resolve(bytes) : reject(new Error(`status ${response.statusCode}`)),
        );
      },
    );
    outgoing.on("error", reject).end();
  });
}

function rssMiB({ pid }: ServerProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Processor time that a process has used, ms (clock ticks of 10 ms). */
function cpuMs({ pid }: ServerProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function shortCommands(): Promise<{ hub: number; agent: number; p50: number }> {
  const took: number[] = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < commands; index = next++) {
      const sinceMs = performance.now();
      await call("short");
      took.push(performance.now() - sinceMs);
    }
  };
  const before = { hub: cpuMs(hub), agent: cpuMs(agent) };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const [p50 = 0] = took.toSorted((a, b) => a - b).slice(took.length / 2);
  return { hub: (cpuMs(hub) - before.hub) / commands, agent: (cpuMs(agent) - before.agent) / commands, p50 };
}

try {
  await connected();
  const rounds: Record<string, Awaited<ReturnType<typeof shortCommands>>[]> = {
    "sallyport.v1": [],
    "nbwss-1.0": [],
  };
  await shortCommands();
  const before = { hub: rssMiB(hub), agent: rssMiB(agent) };
  const most = { ...before };
  const watch = setInterval(() => {
    most.hub = Math.max(most.hub, rssMiB(hub));
    most.agent = Math.max(most.agent, rssMiB(agent));
  }, 50);
  const sinceMs = performance.now();
  let short = 0;
  let worstMs = 0;
  const long = call("long");
  let isOver: boolean | undefined;
  const over = long.then(() => true);
  while (isOver !== true) {
    const at = performance.now();
    await call("short");
    worstMs = Math.max(worstMs, performance.now() - at);
    short += 1;
    isOver = await Promise.race([over, Promise.resolve(undefined)]);
  }
  const bytes = await long;
  clearInterval(watch);
  const seconds = (performance.now() - sinceMs) / 1000;
  print(
    `${(bytes / gib).toFixed(2)} GiB in ${seconds.toFixed(1)} s; RSS hub ${before.hub.toFixed(0)} → at most ${most.hub.toFixed(0)} MiB, agent ${before.agent.toFixed(0)} → at most ${most.agent.toFixed(0)} MiB`,
  );
  print(`meanwhile ${short} short commands one by one, the slowest ${worstMs.toFixed(0)} ms`);
  for (const protocol of ["nbwss-1.0", "sallyport.v1", "nbwss-1.0", "sallyport.v1"]) {
    await hub.stop();
    hub = await startHub(protocol);
    await connected();
    await shortCommands();
    rounds[protocol]?.push(await shortCommands());
  }
  for (const [protocol, measured] of Object.entries(rounds)) {
    for (const { hub: ofHub, agent: ofAgent, p50 } of measured) {
      print(
        `${protocol}: ${(ofHub * 1000).toFixed(0)} µs hub + ${(ofAgent * 1000).toFixed(0)} µs agent per command, p50 ${p50.toFixed(1)} ms at ${inFlight} in flight`,
      );
    }
  }
} finally {
  callers.destroy();
  await hub.stop();
}
