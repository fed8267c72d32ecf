// Commands that the hub keeps for a primary: what a 202 promised survives `kill -9`, and nothing is sent twice.
import assert from "node:assert/strict";
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

function runCli(args: string[], hub: { url: string; caFile: string }) {
  return sallyport(args, { SALLYPORT_HUB: hub.url, SALLYPORT_CA: hub.caFile, SALLYPORT_API_KEY: adminKey });
}
