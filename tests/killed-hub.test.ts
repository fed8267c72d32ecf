// Durable before acknowledged: a hub is killed again and again while fifty primaries send, and nothing acknowledged is missing.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { HubClient } from "@sallyport/cli";
import { temporaryFolder } from "./kit/folder.ts";
import { freePort, startServer } from "./kit/sallyport.ts";
import { SimulatedPrimary } from "./kit/simulated-primary.ts";
import { adminKey, until } from "./kit/site.ts";

const primaries = 50;
const rounds = 20;

test(`killed hub - ${rounds} times under load of ${primaries} primaries, has each acknowledged notification once`, async (t) => {
  using folder = temporaryFolder();
  const port = await freePort();
  const start = () =>
    startServer(
      ["hub", "--data", join(folder.path, "hub"), "--listen", `127.0.0.1:${port}`, "--log-level", "warn"],
      {
        SALLYPORT_ADMIN_KEY: adminKey,
      },
    );
  let hub = await start();
  try {
    await using client = new HubClient(hub.url, adminKey, hub.caPem);
    const simulated = new Map<string, SimulatedPrimary>();
    for (let n = 0; n < primaries; n += 1) {
      const { id, name, endpoint } = await client.addPrimary({ name: `branch-${n}` });
      simulated.set(
        id,
        // Every second one goes on where the hub stands; the others send again what was not acknowledged.
        new SimulatedPrimary({
          name,
          url: endpoint.url,
          token: endpoint.token,
          caPem: hub.caPem,
          numbered: n % 2 === 1,
        }),
      );
    }
    const all = [...simulated.values()];
    const acknowledged = () => all.reduce((sum, { acknowledged: { length } }) => sum + length, 0);
    const running = Promise.all(all.map((primary) => primary.run()));
    try {
      for (let round = 0; round < rounds; round += 1) {
        // Each life of the hub is killed at another moment, some before and some long after its first acknowledgement.
        const before = acknowledged();
        if (round % 4 !== 3) await until(() => Promise.resolve(acknowledged() > before + 100));
        await pause(randomInt(400));
        await hub.kill();
        hub = await start();
      }
      for (const primary of all) primary.finish();
      await running;
    } finally {
      for (const primary of all) primary.stop();
      await running;
    }
    const stored = await storedJobs(client);
    for (const [id, primary] of simulated) {
      const jobs = stored.get(id) ?? [];
      assert.deepEqual(
        jobs.toSorted((a, b) => a - b),
        Array.from({ length: primary.sent }, (_, index) => index + 1),
        `${primary.name}: stored exactly what was sent, each once`,
      );
      assert.equal(primary.acknowledged.length, primary.sent);
    }
    assert.ok(acknowledged() > rounds * 100, "there was load");
    t.diagnostic(`${acknowledged()} notifications acknowledged over ${rounds} kills, all stored once`);
    assert.equal(await hub.stop(), 0);
  } finally {
    await hub.kill();
  }
});

/** The job ids that the hub has, by primary, from its whole feed. */
async function storedJobs(client: HubClient): Promise<Map<string, number[]>> {
  const jobs = new Map<string, number[]>();
  for (let after = 0; ;) {
    const { data, next } = await client.notifications(after);
    for (const { source, type, data: item } of data) {
      assert.notEqual(type, "sallyport.notifications.gap");
      if (!type.startsWith("netbackup.job.")) continue;
      const id = source.split("/")[2] ?? "";
      const known = jobs.get(id) ?? [];
      known.push(Number(item["jobId"]));
      jobs.set(id, known);
    }
    if (next === after) return jobs;
    after = next;
  }
}
