// A hub that means harm to the agent's memory and connections: over real TLS and WebSockets, in front of a real HTTPS server.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import type { StreamedAnswer, StreamedCommand } from "@sallyport/nbwss";
import { startGuarded } from "./testing/guarded-service.ts";

const rules = { rules: [{ name: "all", action: "allow" }], otherwise: "allow", budgets: [] };
const wait = { timeoutMs: 20_000 };
const mib = 1024 * 1024;

/** Gives its bytes, and then neither more nor an end. */
function dripping(bytes: number): Readable {
  const body = new Readable({ read() {} });
  body.push(Buffer.alloc(bytes));
  return body;
}

/** A service behind which `/endless` never ends; counts those who read it. */
async function startAttacked(limits: NonNullable<Parameters<typeof startGuarded>[0]>["limits"]) {
  const reading = { count: 0, changes: new EventEmitter() };
  const told = (by: number) => {
    reading.count += by;
    reading.changes.emit("change");
  };
  const site = await startGuarded({
    rules,
    limits: { ...limits },
    answer(request, response) {
      if (request.url?.startsWith("/netbackup/endless") !== true) return false;
      told(1);
      const endless = new Readable({
        read() {
          this.push(Buffer.alloc(50_000));
        },
      });
      pipeline(endless, response).catch(() => told(-1));
      return true;
    },
  });
  const open = (group: 0 | 1, command: Partial<StreamedCommand>) => {
    const connection = site.clouds[group]?.connections[0];
    assert.ok(connection !== undefined);
    return connection.open({ uri: "/netbackup/endless", method: "GET", headers: {}, ...command }, wait);
  };
  return {
    site,
    open,
    /** Waits until so many read. */
    readers: async (count: number): Promise<void> => {
      while (reading.count !== count) await once(reading.changes, "change");
    },
    streamed: (group: 0 | 1) => {
      const groups = site.service.connections.list();
      return groups.find(({ groupId }) => groupId === `group${group}`)?.streamed;
    },
    executing: () => site.service.connections.list().reduce((sum, { executing }) => sum + executing, 0),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

function textOf(body: StreamedAnswer["body"]): string {
  assert.ok(Buffer.isBuffer(body), "it is small, and so whole");
  return body.toString();
}

function drop(body: unknown): void {
  assert.ok(body instanceof Readable);
  body.destroy();
}

test("hostile hub - who reads nothing has its share of connections, for a time, and no other group's", async () => {
  await using attacked = await startAttacked({
    maxStreamedCommands: 3,
    maxStreamedCommandsPerGroup: 2,
    streamStallMs: 300,
  });
  const { open, readers, site, streamed } = attacked;
  const unread = [await open(0, {}), await open(0, {})];
  const failures = unread.map(
    ({ body }) => new Promise<Error>((resolve) => body instanceof Readable && body.once("error", resolve)),
  );
  assert.equal((await open(0, {})).status, 503);
  const others = await open(1, {});
  assert.equal(others.status, 200);
  drop(others.body);
  const ping = await site.send("GET /netbackup/ping");
  assert.equal(ping.status, 200, JSON.stringify(ping.body));
  // The connections of what nobody reads are ended, and so are those of whom nobody waits for.
  await readers(0);
  for (const failure of failures) assert.match((await failure).message, /not read for too long/);
  assert.deepEqual(streamed(0), { streaming: 0, refused: 1, stalled: 2 });
  const again = await open(0, {});
  assert.equal(again.status, 200);
  drop(again.body);
  await readers(0);
});

test("hostile hub - an upload beyond the bound is answered 413, whether or not it says how long it is", async () => {
  await using attacked = await startAttacked({ maxUploadBytes: 2 * mib });
  const body = () => Readable.from([Buffer.alloc(mib), Buffer.alloc(mib), Buffer.alloc(mib)]);
  for (const bodyBytes of [undefined, 3 * mib]) {
    const answer = await attacked.open(0, { uri: "/netbackup/x", method: "POST", body: body(), bodyBytes });
    assert.equal(answer.status, 413);
    assert.match(textOf(answer.body), /"errorCode":413,"errorMessage":"[^"]*more than 2097152 bytes/);
  }
  assert.equal(attacked.site.arrived.length, 0);
  assert.equal(attacked.streamed(0)?.streaming, 0);
});

test("hostile hub - a body that does not come on is answered 408, before and while it reaches the upstream", async () => {
  await using attacked = await startAttacked({ streamStallMs: 300 });
  const command = { uri: "/netbackup/x", method: "POST" as const };
  const bodies = [dripping(100_000), dripping(2 * mib)];
  const answers = await Promise.all(bodies.map((body) => attacked.open(0, { ...command, body })));
  for (const { status, body } of answers) {
    assert.equal(status, 408);
    assert.match(textOf(body), /too slowly/);
  }
  for (const body of bodies) body.destroy();
  assert.equal(attacked.site.arrived.length, 0);
  assert.equal(attacked.streamed(0)?.streaming, 0);
});

test("hostile hub - a flood of commands that are called off leaves nothing behind", async () => {
  await using attacked = await startAttacked({});
  for (let round = 0; round < 4; round += 1) {
    const aborts = Array.from({ length: 200 }, () => new AbortController());
    const calls = aborts.map(({ signal }) => {
      const connection = attacked.site.clouds[0]?.connections[0];
      assert.ok(connection !== undefined);
      const command = { uri: "/netbackup/endless", method: "GET" as const, headers: {} };
      return connection.open(command, { ...wait, signal });
    });
    // Some before they are sent, some while they run.
    if (round % 2 === 1) await attacked.site.send("GET /netbackup/ping", { group: 1 });
    for (const abort of aborts) abort.abort();
    for (const call of await Promise.allSettled(calls)) {
      if (call.status === "fulfilled" && call.value.body instanceof Readable) call.value.body.destroy();
    }
  }
  await attacked.readers(0);
  assert.equal((await attacked.site.send("GET /netbackup/ping")).status, 200);
  assert.equal(attacked.executing(), 0);
  assert.equal(attacked.streamed(0)?.streaming, 0);
});
