// Between stored and acknowledged: hub and agent are killed there, and a hub is put back to a state from before. Nothing is lost; under sallyport.v1 nothing
// that is stored goes out again, and what can't be sent any more is announced.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { HubClient } from "@sallyport/cli";
import { z } from "zod";
import { testBothWays } from "./kit/both-ways.ts";
import { startFaultProxy } from "./kit/fault-proxy.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { freePort, startServer, type ServerProcess } from "./kit/sallyport.ts";
import { adminKey, until } from "./kit/site.ts";

const isNumbered = () => process.env["SALLYPORT_HUB_PROTOCOL"] !== "nbwss-1.0";
const page = z.object({ data: z.array(z.object({ type: z.string(), data: z.looseObject({}) })) });
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** An agent in a process of its own. */
function startAgent(args: string[]) {
  const script = join(import.meta.dirname, "kit", "outbox-runner.ts");
  const child = spawn(process.execPath, [script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const log: { msg: string; position?: number; outcome?: string }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) =>
    log.push(JSON.parse(line) as (typeof log)[0]),
  );
  return {
    log,
    /** Tells of the jobs from one number to another. */
    tell: (first: number, last: number) => void child.stdin.write(`${first}-${last}\n`),
    has: (msg: string, count = 1) =>
      until(() => Promise.resolve(log.filter((line) => line.msg === msg).length >= count)),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** A hub behind a network that can fail, and what is needed to start an agent that knows it. */
async function startPlace(dir: string) {
  const port = await freePort();
  const data = join(dir, "hub");
  const address = ["--listen", `127.0.0.1:${port}`, "--log-level", "debug"];
  const start = () => startServer(["hub", "--data", data, ...address], { SALLYPORT_ADMIN_KEY: adminKey });
  let hub = await start();
  const proxy = await startFaultProxy(port);
  const client = new HubClient(hub.url, adminKey, hub.caPem);
  const { endpoint } = await client.addPrimary({ name: "branch" });
  const files = [join(dir, "agent"), join(dir, "endpoint.json"), hub.caFile] as const;
  mkdirSync(files[0]);
  writeFileSync(files[1], JSON.stringify({ ...endpoint, url: `wss://127.0.0.1:${proxy.port}/nbwss` }));
  return {
    data,
    proxy,
    files,
    get hub(): ServerProcess {
      return hub;
    },
    async startHub() {
      hub = await start();
    },
    /** What the hub has, in order: the numbers of jobs, and gaps. */
    async stored() {
      const { data: events } = await client.get("/api/v1/notifications", page, { limit: 1000 });
      return events.flatMap(({ type, data: item }): (number | string)[] => {
        const { jobId, from, to, reason } = item;
        if (type.startsWith("netbackup.")) return [Number(jobId)];
        return type === "sallyport.notifications.gap"
          ? [`${Number(from)}-${Number(to)} ${String(reason)}`]
          : [];
      });
    },
    /** How many notifications this life of the hub has received. */
    async hasReceived(count: number) {
      await hub.logged("notification.stored", count);
      const lines = hub.log.filter((line) => line.includes('"msg":"notification.stored"'));
      assert.equal(lines.length, count);
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await hub.kill();
    },
  };
}

testBothWays(
  "resume - killed between stored and acknowledged, hub and agent have each notification once, and nothing goes out again that need not",
  async () => {
    using folder = temporaryFolder();
    await using place = await startPlace(folder.path);
    const first = startAgent([...place.files]);
    try {
      await first.has("endpoint.connected");
      if (isNumbered()) await first.has("resume.agreed");
      // What is told arrives and is stored, and the acknowledgements do not arrive.
      place.proxy.swallowServerBytes();
      first.tell(1, 20);
      await until(async () => (await place.stored()).length === 20);
      assert.ok(!first.log.some(({ msg }) => msg === "notification.acknowledged"));
    } finally {
      await first.kill();
    }
    place.proxy.heal();
    const second = startAgent([...place.files]);
    try {
      await second.has("notification.acknowledged", 20);
      await place.hasReceived(isNumbered() ? 20 : 40);
      place.proxy.swallowServerBytes();
      second.tell(21, 40);
      await until(async () => (await place.stored()).length === 40);
      await place.hub.kill();
      place.proxy.heal();
      place.proxy.cut();
      await place.startHub();
      await second.has("notification.acknowledged", 40);
      second.tell(41, 43);
      await second.has("notification.acknowledged", 43);
      assert.deepEqual(await place.stored(), range(1, 43));
      await place.hasReceived(isNumbered() ? 3 : 23);
    } finally {
      await second.kill();
    }
  },
);

test("resume - a hub that is put back gets what there still is, and is told what there is no more", async () => {
  using folder = temporaryFolder();
  await using place = await startPlace(folder.path);
  const agent = startAgent([...place.files]);
  try {
    agent.tell(1, 2);
    await agent.has("notification.acknowledged", 2);
    await place.hub.kill();
    cpSync(place.data, join(folder.path, "before"), { recursive: true });
    await place.startHub();
    agent.tell(3, 5);
    await agent.has("notification.acknowledged", 5);
    await place.hub.kill();
    rmSync(place.data, { recursive: true });
    cpSync(join(folder.path, "before"), place.data, { recursive: true });
    await place.startHub();
    agent.tell(6, 6);
    await agent.has("resume.went_back");
    await until(async () => (await place.stored()).includes(6));
    await agent.has("notification.acknowledged", 7);
    // Away for so long that the outbox, which holds 25, can't keep all.
    await place.hub.kill();
    agent.tell(7, 40);
    await agent.has("outbox.gap");
    await place.startHub();
    await until(async () => (await place.stored()).includes(40));
    const gaps = ["3-5 endpoint_went_back", "7-15 outbox_full"];
    assert.deepEqual(await place.stored(), [1, 2, gaps[0], 6, gaps[1], ...range(16, 40)]);
  } finally {
    await agent.kill();
  }
});
