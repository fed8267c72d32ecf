// Webhooks as users have them: a hub and commands as processes, a receiver over HTTPS.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { HubClient } from "@sallyport/cli";
import { dialEndpoint, failureAnswer, type ServiceConnection } from "@sallyport/nbwss";
import { Webhook } from "standardwebhooks";
import { temporaryFolder } from "./kit/folder.ts";
import { jobEntry } from "./kit/job-entry.ts";
import { freePort, sallyport, startServer, type Ended, type ServerProcess } from "./kit/sallyport.ts";
import { adminKey, until } from "./kit/site.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./kit/webhook-receiver.ts";

interface Setup {
  hub: ServerProcess;
  start: () => Promise<ServerProcess>;
  cli: (...args: string[]) => Promise<Ended>;
  json: <T>(...args: string[]) => Promise<T>;
  /** A primary that notifies. */
  connect: (hub: ServerProcess) => Promise<ServiceConnection>;
}

async function setUp(dir: string, receiver: WebhookReceiver): Promise<Setup> {
  const port = await freePort();
  const args = ["hub", "--data", join(dir, "hub"), "--listen", `127.0.0.1:${port}`, ...receiver.hubArgs];
  const start = () => startServer(args, { SALLYPORT_ADMIN_KEY: adminKey });
  const hub = await start();
  const env = { SALLYPORT_HUB: hub.url, SALLYPORT_API_KEY: adminKey, SALLYPORT_CA: hub.caFile };
  const cli = (...command: string[]) => sallyport(["webhooks", ...command], env);
  await using client = new HubClient(hub.url, adminKey, hub.caPem);
  const { endpoint } = await client.addPrimary({ name: "branch" });
  return {
    hub,
    start,
    cli,
    async json<T>(...command: string[]) {
      const { code, stdout, stderr } = await cli(...command, "--json");
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as T;
    },
    connect: ({ caPem }) =>
      dialEndpoint({
        url: endpoint.url,
        token: endpoint.token,
        tls: { ca: caPem },
        execute: () => Promise.resolve(failureAnswer(501, 501, "this primary only sends notifications")),
      }),
  };
}

const notify = (connection: ServiceConnection, jobId: number) =>
  connection.notify(randomUUID(), [jobEntry(jobId, "branch")], { timeoutMs: 30_000 });

test("webhooks - a hub that is killed between delivery and its record delivers again under the same id, and loses nothing", async () => {
  using folder = temporaryFolder();
  await using receiver = await startWebhookReceiver(folder.path);
  const setup = await setUp(folder.path, receiver);
  let { hub } = setup;
  try {
    const { secret } = await setup.json<{ secret: string }>(
      "create",
      receiver.url,
      "--type",
      "netbackup.job.",
    );
    const connection = await setup.connect(hub);
    receiver.answer = (response: ServerResponse) => {
      // The receiver has taken it; its answer never comes back.
      response.writeHead(200, { "content-length": 10 });
      response.flushHeaders();
    };
    const jobs = [1, 2, 3, 4, 5, 6, 7, 8];
    for (const job of jobs) await notify(connection, job);
    await receiver.got(1);
    await hub.kill();
    await connection.close();
    const taken = receiver.requests.map(({ headers }) => headers["webhook-id"]);
    receiver.answer = (response) => response.writeHead(204).end();
    hub = await setup.start();
    const after = () => receiver.requests.slice(taken.length);
    await until(() => Promise.resolve(after().length >= jobs.length));
    assert.deepEqual(
      new Set(after().map(({ subject }) => subject)),
      new Set(jobs.map((job) => `job/${job}`)),
    );
    for (const id of taken) assert.ok(after().some(({ headers }) => headers["webhook-id"] === id));
    for (const { body, headers } of receiver.requests) {
      new Webhook(secret).verify(body, headers as Record<string, string>);
    }
    assert.equal(await hub.stop(), 0);
  } finally {
    await hub.kill();
  }
});

test("cli - webhooks are made, shown, changed, tested, stopped, rotated, replayed and removed", async () => {
  using folder = temporaryFolder();
  await using receiver = await startWebhookReceiver(folder.path);
  const { hub, cli, connect } = await setUp(folder.path, receiver);
  await using _hub = hub;
  assert.match((await cli("list")).stdout, /There is no webhook/);
  const refused = await cli("create", "https://10.0.0.1/hook");
  assert.match(refused.stderr, /10\.0\.0\.1 is not a public address/);
  assert.equal(refused.code, 1);
  const created = await cli("create", receiver.url, "--type", "netbackup.job.", "--primary", "branch");
  const [, id = ""] = /^Webhook (\S+) sends to/.exec(created.stdout) ?? [];
  const [secret = ""] = /whsec_\S+/.exec(created.stdout) ?? [];
  assert.ok(id !== "" && secret !== "", created.stdout + created.stderr);
  const tested = await cli("test", id);
  assert.match(tested.stdout, /^Delivered: 204 in \d+ ms\.\n$/);
  const [first] = receiver.requests;
  assert.equal(first?.type, "sallyport.webhook.test");
  new Webhook(secret).verify(first.body, first.headers as Record<string, string>);

  const connection = await connect(hub);
  await notify(connection, 1);
  await receiver.got(2);
  assert.match((await cli("list")).stdout, /enabled/);
  assert.match((await cli("show", id)).stdout, /branch/);
  const deliveries = await cli("deliveries", id);
  assert.match(deliveries.stdout, /job\/1/);
  const [delivery] = JSON.parse((await cli("deliveries", id, "--json")).stdout) as [
    { id: string; position: number },
  ];
  assert.equal((await cli("redeliver", id, delivery.id)).code, 0);
  await receiver.got(3);
  const at = String(delivery.position);
  await until(
    async () => (await cli("replay", id, "--from", at, "--to", at)).stdout === "1 events are sent again.\n",
  );
  await receiver.got(4);
  assert.equal(new Set(receiver.requests.slice(1).map(({ headers }) => headers["webhook-id"])).size, 1);

  const rotated = await cli("rotate", id, "--overlap", "0");
  assert.match(rotated.stdout, /whsec_/);
  assert.match((await cli("disable", id)).stdout, /is disabled; 0 events wait/);
  await notify(connection, 2);
  await until(async () => (await cli("show", id)).stdout.match(/waiting.*1 /) !== null);
  assert.match((await cli("edit", id)).stderr, /nothing to change/);
  assert.match((await cli("edit", id, "--all", "--type", "netbackup.")).stdout, /is changed/);
  assert.equal((await cli("enable", id)).code, 0);
  await receiver.got(5);
  receiver.answer = (response) => response.writeHead(500).end("out of order");
  const failed = await cli("test", id);
  assert.deepEqual([failed.code, failed.stderr.includes("it answered 500: out of order")], [1, true]);
  assert.match((await cli("remove", id)).stdout, /add --yes to do it/);
  assert.match((await cli("remove", id, "--yes")).stdout, /^Removed/);
  assert.match((await cli("show", id)).stderr, /404/);
  await connection.close();
  for (const line of hub.log) assert.ok(!line.includes(secret.slice(6)));
});

test("docs - the sample of cloud-builder.md takes what is genuine, and nothing else", async () => {
  using folder = temporaryFolder();
  const page = readFileSync(join(import.meta.dirname, "..", "docs", "cloud-builder.md"), "utf8");
  const [, code = ""] = /```js\n([^]*?)```/.exec(page) ?? [];
  const file = join(folder.path, "sample.mjs");
  writeFileSync(file, code);
  const { isGenuine } = (await import(file)) as {
    isGenuine: (headers: Record<string, string>, body: string, secret: string, nowMs?: number) => boolean;
  };
  await using receiver = await startWebhookReceiver(folder.path);
  const { hub, json } = await setUp(folder.path, receiver);
  await using _hub = hub;
  const { id, secret } = await json<{ id: string; secret: string }>("create", receiver.url);
  const { secret: second } = await json<{ secret: string }>("rotate", id);
  await json("test", id);
  const [received] = receiver.requests;
  assert.ok(received !== undefined);
  const headers = received.headers as Record<string, string>;
  for (const one of [secret, second]) assert.ok(isGenuine(headers, received.body, one));
  assert.ok(!isGenuine(headers, `${received.body} `, secret));
  assert.ok(!isGenuine({ ...headers, "webhook-id": "msg_other" }, received.body, secret));
  assert.ok(!isGenuine(headers, received.body, `whsec_${Buffer.alloc(32).toString("base64")}`));
  assert.ok(!isGenuine(headers, received.body, secret, Date.now() + 301_000));
});
