// A hub is backed up under load, killed, and restored elsewhere: nothing that it had acknowledged before the backup is missing.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { HubClient } from "@sallyport/cli";
import { temporaryFolder } from "./kit/folder.ts";
import { freePort, sallyport, startServer } from "./kit/sallyport.ts";
import { SimulatedPrimary } from "./kit/simulated-primary.ts";
import { adminKey, until } from "./kit/site.ts";

const primaries = 10;

test("backup - under load has all that was acknowledged before it; the primaries come back to the restored hub", async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const start = (data: string) =>
    startServer(["hub", "--data", data, "--listen", `127.0.0.1:${port}`, "--log-level", "warn"], {
      SALLYPORT_ADMIN_KEY: adminKey,
    });
  const [data, backup, restored] = ["hub", "backup", "restored"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  let hub = await start(data);
  try {
    await using client = new HubClient(hub.url, adminKey, hub.caPem);
    const simulated = new Map<string, SimulatedPrimary>();
    for (let n = 0; n < primaries; n += 1) {
      const { id, name, endpoint } = await client.addPrimary({ name: `branch-${n}` });
      const { url, token } = endpoint;
      simulated.set(id, new SimulatedPrimary({ name, url, token, caPem: hub.caPem }));
    }
    const all = [...simulated.values()];
    const acknowledged = () => all.reduce((sum, { acknowledged: { length } }) => sum + length, 0);
    const running = Promise.all(all.map((primary) => primary.run()));
    try {
      await until(() => Promise.resolve(acknowledged() > 500));
      const before = new Map([...simulated].map(([id, primary]) => [id, primary.acknowledged.slice()]));
      const made = await sallyport(["hub", "backup", "--data", data, "--to", backup, "--with-secrets"]);
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stdout, /events up to position \d+, checked/);
      const atBackup = acknowledged();
      await until(() => Promise.resolve(acknowledged() > atBackup + 500));
      const { next: lastGivenOut } = await lastPage(client);
      await hub.kill();
      const done = await sallyport(["hub", "restore", "--from", backup, "--data", restored]);
      assert.equal(done.code, 0, done.stderr);
      const atRestore = acknowledged();
      hub = await start(restored);
      await until(() => Promise.resolve(acknowledged() > atRestore + 500));
      for (const primary of all) primary.finish();
      await running;
      const { jobs, positions } = await stored(client);
      for (const [id, primary] of simulated) {
        const found = jobs.get(id) ?? [];
        assert.equal(new Set(found).size, found.length, `${primary.name}: each once`);
        for (const job of before.get(id) ?? []) assert.ok(found.includes(job), `${primary.name}: job ${job}`);
      }
      // A reader whose cursor is from the killed hub misses nothing of the restored one.
      const fresh = positions.filter((position) => position > lastGivenOut);
      assert.ok(fresh.length >= 500 && fresh.every((position) => position > lastGivenOut + 1e9));
    } finally {
      for (const primary of all) primary.stop();
      await running;
    }
    assert.equal(await hub.stop(), 0);
  } finally {
    await hub.kill();
  }
});

async function lastPage(client: HubClient): Promise<{ next: number }> {
  for (let after = 0; ;) {
    const { next } = await client.notifications(after);
    if (next === after) return { next };
    after = next;
  }
}

/** The job ids that the hub has, by primary, and the positions of all, from its whole feed. */
async function stored(client: HubClient): Promise<{ jobs: Map<string, number[]>; positions: number[] }> {
  const jobs = new Map<string, number[]>();
  const positions: number[] = [];
  for (let after = 0; ;) {
    const { data, next } = await client.notifications(after);
    for (const { source, type, position, data: item } of data) {
      if (!type.startsWith("netbackup.job.")) continue;
      const id = source.split("/")[2] ?? "";
      jobs.set(id, [...(jobs.get(id) ?? []), Number(item["jobId"])]);
      positions.push(position);
    }
    if (next === after) return { jobs, positions };
    after = next;
  }
}
