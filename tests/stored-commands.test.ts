// Commands that the hub keeps for a primary: what a 202 promised survives `kill -9`, and nothing is sent twice.
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { HubClient } from "@sallyport/cli";
import { dialEndpoint, type CommandAnswer } from "@sallyport/nbwss";
import { temporaryFolder } from "./kit/folder.ts";
import { freePort, sallyport, startServer } from "./kit/sallyport.ts";
import { adminKey, until } from "./kit/site.ts";

test("stored commands - survive a kill: what was not sent is sent once, what was sent is never sent again", async () => {
  using folder = temporaryFolder();
  const listen = `127.0.0.1:${await freePort()}`;
  const env = { SALLYPORT_ADMIN_KEY: adminKey };
  const start = () => startServer(["hub", "--data", join(folder.path, "hub"), "--listen", listen], env);
  let hub = await start();
  try {
    await using client = new HubClient(hub.url, adminKey, hub.caPem);
    const { id, endpoint } = await client.addPrimary({ name: "branch" });
    const store = async (n: number) => {
      const headers = { prefer: "respond-async", "content-type": "application/json" };
      const call = {
        method: "POST" as const,
        path: `/netbackup/admin/manual-backup?n=${n}`,
        headers,
        body: "{}",
      };
      const { status, text } = await client.gateway(id, call);
      assert.equal(status, 202, text);
      return (JSON.parse(text) as { id: string }).id;
    };
    const seen: string[] = [];
    const dial = (answer: () => Promise<CommandAnswer>) =>
      dialEndpoint({
        url: endpoint.url,
        token: endpoint.token,
        tls: { ca: hub.caPem },
        execute(command) {
          seen.push(command.uri);
          return answer();
        },
      });
    const [first, second] = [await store(1), await store(2)];
    const asked = Promise.withResolvers<void>();
    await dial(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    await asked.promise;
    await hub.kill();
    hub = await start();
    await dial(() => Promise.resolve({ status: 202, headers: {}, body: "started" }));
    const stateOf = async (command: string) => {
      const { stdout } = await runCli(["commands", "show", command, "--json"], hub);
      return JSON.parse(stdout) as { state: string; mayHaveBeenExecuted: boolean };
    };
    await until(async () => (await stateOf(second)).state === "done");
    const { state, mayHaveBeenExecuted } = await stateOf(first);
    assert.deepEqual([state, mayHaveBeenExecuted], ["unknown", true]);
    assert.deepEqual(
      seen,
      [1, 2].map((n) => `/netbackup/admin/manual-backup?n=${n}`),
    );
    assert.equal(await hub.stop(), 0);
  } finally {
    await hub.kill();
  }
});

test("stored commands - killed at random moments while they run, the hub sends each at most once, ends each, and tells each end once", async () => {
  using folder = temporaryFolder();
  const listen = `127.0.0.1:${await freePort()}`;
  const start = () =>
    startServer(["hub", "--data", join(folder.path, "hub"), "--listen", listen], {
      SALLYPORT_ADMIN_KEY: adminKey,
    });
  let hub = await start();
  try {
    await using client = new HubClient(hub.url, adminKey, hub.caPem);
    const { id, endpoint } = await client.addPrimary({ name: "branch" });
    const seen: string[] = [];
    const dial = () =>
      dialEndpoint({
        url: endpoint.url,
        token: endpoint.token,
        tls: { ca: hub.caPem },
        async execute({ uri }) {
          seen.push(uri);
          answered.dispatchEvent(new Event("one"));
          return { status: 202, headers: {}, body: "started" };
        },
      });
    const answered = new EventTarget();
    const path = (n: number) => `/netbackup/admin/manual-backup?n=${n}`;
    const order = (n: number) =>
      client.gateway(id, {
        method: "POST",
        path: path(n),
        headers: { prefer: "respond-async", "idempotency-key": `order-${n}` },
        body: "{}",
      });
    const ids = new Map<number, string>();
    const rounds = 6;
    const perRound = 20;
    for (let round = 0; round < rounds; round += 1) {
      const numbers = Array.from({ length: perRound }, (_, index) => round * perRound + index);
      // Some of these are cut off by the kill: whoever ordered orders again under the same key.
      const orders = numbers.map((n) => order(n).catch(() => undefined));
      const { closed } = await dial();
      // The rounds differ in how far they come: from none of this round's to nearly all.
      const enough = seen.length + round * 3;
      while (seen.length < enough) await once(answered, "one");
      await hub.kill();
      await Promise.all([...orders, closed]);
      hub = await start();
      for (const n of numbers) {
        const { status, text } = await order(n);
        if (status === 202) ids.set(n, (JSON.parse(text) as { id: string }).id);
        // Cut off before it was kept: the hub can't tell whether it was, and says so.
        else
          assert.deepEqual(
            [status, (JSON.parse(text) as { code: string }).code],
            [409, "idempotency_unknown"],
          );
      }
    }
    await dial();
    const ends = async () => {
      const type = "sallyport.command.finished";
      const { stdout } = await runCli(
        ["notifications", "list", "--type", type, "--limit", "1000", "--json"],
        hub,
      );
      return (JSON.parse(stdout) as { data: { data: { id: string; state: string } }[] }).data.map(
        (event) => event.data,
      );
    };
    await until(async () => (await ends()).length >= new Set(ids.values()).size);
    const told = await ends();
    assert.equal(new Set(told.map((end) => end.id)).size, told.length, "an end was told twice");
    assert.ok(ids.size > 0);
    assert.equal(new Set(ids.values()).size, ids.size);
    assert.equal(new Set(seen).size, seen.length, "a command was sent twice");
    for (const [n, command] of ids) {
      const state = told.find((end) => end.id === command)?.state;
      assert.ok(state === "done" || state === "unknown", `${n} ended ${state}`);
      if (state === "done") assert.ok(seen.includes(path(n)));
    }
    assert.equal(await hub.stop(), 0);
  } finally {
    await hub.kill();
  }
});

function runCli(args: string[], hub: { url: string; caFile: string }) {
  return sallyport(args, { SALLYPORT_HUB: hub.url, SALLYPORT_CA: hub.caFile, SALLYPORT_API_KEY: adminKey });
}
