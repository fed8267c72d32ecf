// More than 100,000 messages that nobody in their right mind would send, to a real hub: it refuses them and lives, holds on to nothing,
// and goes on serving those who mean well.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect } from "node:tls";
import fc from "fast-check";
import { dialEndpoint, encodeMessage } from "@sallyport/nbwss";
import { HubClient } from "@sallyport/cli";
import { WebSocket } from "ws";
import { ended } from "./kit/ended.ts";
import { temporaryFolder } from "./kit/folder.ts";
import {
  allowedMessages,
  badMessages,
  oddFrames,
  rawNoise,
  requests,
  type FuzzedRequest,
} from "./kit/fuzzed-input.ts";
import { freePort, startServer, type ServerProcess } from "./kit/sallyport.ts";
import { adminKey, until } from "./kit/site.ts";

const seed = Number(process.env["SALLYPORT_FUZZ_SEED"] ?? randomInt(2 ** 31));
const samples = <T>(arbitrary: fc.Arbitrary<T>, count: number) =>
  fc.sample(arbitrary, { seed, numRuns: count });
/** Distinct samples are dear to make; the same ones are sent several times, in other company. */
const variety = 4_000;

interface Target {
  hub: ServerProcess;
  client: HubClient;
  port: number;
}

async function withHub(t: TestContext, attack: (target: Target) => Promise<number>): Promise<void> {
  using folder = temporaryFolder();
  const port = await freePort();
  const args = [
    "hub",
    "--data",
    join(folder.path, "hub"),
    "--listen",
    `127.0.0.1:${port}`,
    "--log-level",
    "error",
  ];
  await using hub = await startServer(args, { SALLYPORT_ADMIN_KEY: adminKey });
  await using client = new HubClient(hub.url, adminKey, hub.caPem);
  const honest = await client.addPrimary({ name: "honest" });
  await using primary = await dialHonest(honest.endpoint, hub.caPem);
  const openFiles = () => readdirSync(`/proc/${hub.pid}/fd`).length;
  await client.listPrimaries();
  const before = openFiles();
  const sent = await attack({ hub, client, port });
  const { status, text } = await client.gateway(honest.id, { method: "GET", path: "/netbackup/ping" });
  assert.deepEqual([status, text], [200, "pong"]);
  assert.equal(primary.isOpen, true);
  // Nothing stuck: the connections of the attack are gone, to the last.
  await until(() => Promise.resolve(openFiles() <= before + 2));
  assert.deepEqual(hub.log, [], `seed ${seed}`);
  const rssKiB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hub.pid}/status`, "utf8"))?.[1];
  assert.ok(Number(rssKiB) < 700 * 1024, `the hub has ${rssKiB} KiB after it all`);
  t.diagnostic(`${sent} messages sent, seed ${seed}, ${rssKiB} KiB RSS after`);
  assert.equal(await hub.stop(), 0);
}

async function dialHonest({ url, token }: { url: string; token: string }, ca: string) {
  const execute = () => Promise.resolve({ status: 200, headers: {}, body: "pong" });
  const connection = await dialEndpoint({ url, token, tls: { ca }, execute });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

test("fuzz - 60,000 allowed messages with odd contents keep their connection and are all answered", async (t) => {
  await withHub(t, async ({ hub, client, port }) => {
    const { endpoint } = await client.addPrimary({ name: "odd" });
    const texts = samples(allowedMessages, variety);
    const socket = await openSocket(port, hub.caPem);
    socket.send(connectMessage(endpoint.token));
    await once(socket, "message");
    const rounds = 15;
    const isNotification = (text: string) => text.includes('"type":"NOTIFICATION"');
    const expected = rounds * texts.filter(isNotification).length;
    let acknowledged = 0;
    const done = Promise.withResolvers<void>();
    socket.on("message", () => {
      acknowledged += 1;
      if (acknowledged === expected) done.resolve();
    });
    const closed = ended(socket).then(([code, reason]) => {
      throw new Error(`closed after ${acknowledged} acknowledgements: ${String(code)} ${String(reason)}`);
    });
    for (let round = 0; round < rounds; round += 1) for (const text of texts) socket.send(text);
    await Promise.race([done.promise, closed]);
    socket.close();
    await assert.rejects(closed);
    return rounds * texts.length;
  });
});

test("fuzz - 20,000 bad messages, before and after CONNECT, end their connection and nothing else", async (t) => {
  await withHub(t, async ({ hub, client, port }) => {
    const { endpoint } = await client.addPrimary({ name: "bad" });
    const texts = samples(badMessages, variety);
    const perSocket = 10;
    const total = 20_000;
    await inParallel(16, total / perSocket, async (index) => {
      const socket = await openSocket(port, hub.caPem);
      const closed = ended(socket);
      if (index % 2 === 0) socket.send(connectMessage(endpoint.token));
      // One after the other in one write: what comes after the first bad one must not be worked on either.
      for (let n = 0; n < perSocket; n += 1) {
        const message = texts[(index * perSocket + n) % texts.length] ?? "";
        socket.send(message, { binary: typeof message !== "string" });
      }
      await closed;
    });
    return total;
  });
});

test("fuzz - 40,000 binary messages under sallyport.v1, frames and mutilated ones, end at most their connection", async (t) => {
  await withHub(t, async ({ hub, port }) => {
    const frames = samples(oddFrames, variety);
    const perSocket = 20;
    const total = 40_000;
    // Its idle connections end with it.
    await using caller = new HubClient(hub.url, adminKey, hub.caPem);
    // A primary of its own for each lane: a second connection would only end the first.
    const lanes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => caller.addPrimary({ name: `frames-${n}` })),
    );
    await inParallel(lanes.length, total / perSocket, async (index) => {
      const { id, endpoint } = lanes[index % lanes.length] ?? lanes[0] ?? assert.fail();
      const socket = await openSocket(port, hub.caPem, "sallyport.v1");
      const closed = ended(socket);
      socket.send(connectMessage(endpoint.token));
      await Promise.race([once(socket, "message"), closed]);
      // A command is under way, for frames to be about.
      const call = caller.gateway(id, { method: "GET", path: "/netbackup/ping" }).catch(() => undefined);
      for (let n = 0; n < perSocket; n += 1) {
        socket.send(frames[(index * perSocket + n) % frames.length] ?? Buffer.alloc(0), { binary: true });
      }
      socket.close();
      await closed;
      await call;
    });
    return total;
  });
});

test("fuzz - 25,000 odd HTTP requests are answered, none with 500", async (t) => {
  await withHub(t, async ({ hub, port }) => {
    const all = samples(requests, variety);
    const total = 25_000;
    const agent = new Agent({ keepAlive: true, maxSockets: 32, ca: hub.caPem });
    const odd: string[] = [];
    await inParallel(32, total, async (index) => {
      const fuzzed = all[index % all.length];
      if (fuzzed === undefined) return;
      const status = await send(agent, port, fuzzed);
      if (status === 500 || status === 502) odd.push(`${status} ${JSON.stringify(fuzzed)}`);
    });
    agent.destroy();
    assert.deepEqual(odd.slice(0, 5), [], `${odd.length} of them; seed ${seed}`);
    return total;
  });
});

test("fuzz - 2,000 connections with what is not HTTP are closed", async (t) => {
  await withHub(t, async ({ hub, port }) => {
    const noise = samples(rawNoise, 2_000);
    await inParallel(16, noise.length, async (index) => {
      const socket = connect({ host: "127.0.0.1", port, ca: hub.caPem });
      socket.on("error", () => socket.destroy());
      const closed = ended(socket);
      socket.end(noise[index] ?? "");
      socket.resume();
      await closed;
    });
    return noise.length;
  });
});

async function openSocket(port: number, ca: string, protocol?: string): Promise<WebSocket> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}/nbwss`, protocol === undefined ? [] : [protocol], {
    ca,
  });
  // How it ends is seen by `close`.
  socket.on("error", () => socket.terminate());
  await once(socket, "open");
  return socket;
}

function connectMessage(token: string): string {
  return encodeMessage({
    version: "1.0",
    id: crypto.randomUUID(),
    type: "CONNECT",
    subType: "REQUEST",
    timeStamp: 1,
    payload: { token },
  });
}

/** The status, or 0 when the hub closed the connection instead. */
async function send(agent: Agent, port: number, fuzzed: FuzzedRequest): Promise<number> {
  const { method, headers, body, target: path } = fuzzed;
  const hasBody = body !== "" && method !== "GET" && method !== "HEAD";
  const options = {
    agent,
    host: "127.0.0.1",
    port,
    path,
    method,
    headers: {
      ...Object.fromEntries(headers),
      Authorization: `Bearer ${adminKey}`,
      ...(hasBody ? { "Content-Length": String(Buffer.byteLength(body)) } : {}),
    },
  };
  return new Promise((resolve) => {
    const outgoing = request(options, (response) => {
      response.resume();
      response.on("close", () => resolve(response.statusCode ?? 0));
    });
    outgoing.on("error", () => resolve(0));
    outgoing.end(hasBody ? body : undefined);
  });
}

/** Calls `work` for 0 … count - 1, so many at a time. */
async function inParallel(
  width: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
