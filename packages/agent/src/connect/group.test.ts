// The connector with stand-ins for its connections: what matters here is when it dials.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CloseInfo, Move, ServiceConnection } from "@sallyport/nbwss";
import { NbwssError } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import { pino } from "pino";
import type { SavedEndpoint } from "../endpoints/store.ts";
import { GroupConnector } from "./group.ts";

const endpoint = { hostName: "hub", url: "wss://hub/nbwss", token: "t", groupId: "g" } as SavedEndpoint;

/** A connection that ends when it is told to. */
function standIn() {
  const closed = Promise.withResolvers<CloseInfo>();
  const connection = {
    trackingId: "id",
    move: undefined as Move | undefined,
    closed: closed.promise,
    close: async (code = 1000, reason = "") => closed.resolve({ code, reason }),
  };
  return { connection, end: (info: CloseInfo) => closed.resolve(info) };
}

const settle = async () => {
  for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
};

interface Dialled {
  atMs: number;
  end: (info: CloseInfo) => void;
  connection: ReturnType<typeof standIn>["connection"];
}

/** Primaries of one hub that is up or down. */
function startFleet(count: number, clock: ManualClock, random: () => number) {
  const dialled = new Map<number, Dialled>();
  const hub = { isUp: true, accepted: [] as number[], refused: 0 };
  const connectors = Array.from({ length: count }, (_, index) => {
    return new GroupConnector({
      groupId: "g",
      endpoints: () => [endpoint],
      async dial() {
        if (!hub.isUp) {
          hub.refused += 1;
          throw new NbwssError("dial_failed", "503");
        }
        hub.accepted.push(clock.now());
        const { connection, end } = standIn();
        dialled.set(index, { atMs: clock.now(), end, connection });
        return connection as unknown as ServiceConnection;
      },
      serve: async (_endpoint, connection) => void (await connection.closed),
      ended: () => {},
      dialled: () => {},
      failBack: () => ({ mode: "never" }),
      isAcknowledged: () => true,
      reach: () => Promise.reject(new Error("not looked for")),
      clock,
      log: pino({ level: "silent" }),
      backoff: () => ({ baseMs: 1_000, maxMs: 60_000, random }),
      stableAfterMs: 60_000,
    });
  });
  return {
    hub,
    dialled,
    stop: () => Promise.all(connectors.map((connector) => connector.stop())),
    async advance(ms: number, stepMs = 100) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(stepMs);
        await settle();
      }
    },
  };
}

test("group - 200 primaries that were asked to move come back with a peak of at most 3 times their mean", async () => {
  for (const downMs of [1_500, 12_300, 41_000]) {
    const clock = new ManualClock();
    const fleet = startFleet(200, clock, Math.random);
    await settle();
    assert.equal(fleet.hub.accepted.length, 200);
    await fleet.advance(61_000, 61_000);
    const windowMs = 5_000;
    fleet.hub.isUp = false;
    fleet.hub.accepted.length = 0;
    // The hub gives each a moment of its own in the window, in no order of theirs.
    for (const [index, { connection, end }] of fleet.dialled) {
      connection.move = { delayMs: index * 25, windowMs, reason: "restart" };
      clock.after(index * 25, () => end({ code: 1012, reason: "restart" }));
    }
    await fleet.advance(windowMs + downMs);
    assert.ok(fleet.hub.refused >= 200);
    fleet.hub.isUp = true;
    const backAtMs = clock.now();
    await fleet.advance(2 * windowMs);
    assert.equal(fleet.hub.accepted.length, 200, `down for ${downMs}`);
    const binMs = 250;
    const bins = new Map<number, number>();
    for (const atMs of fleet.hub.accepted) {
      const bin = Math.floor((atMs - backAtMs) / binMs);
      bins.set(bin, (bins.get(bin) ?? 0) + 1);
    }
    const peak = Math.max(...bins.values());
    const mean = 200 / (windowMs / binMs);
    assert.ok(peak <= 3 * mean, `peak ${peak}, mean ${mean}, down for ${downMs}`);
    await fleet.stop();
  }
});

test("group - who is told that its token is in use elsewhere comes back slowly", async () => {
  const clock = new ManualClock();
  const fleet = startFleet(1, clock, () => 0);
  await settle();
  fleet.dialled.get(0)?.end({ code: 4001, reason: "token in use from another place" });
  await settle();
  await fleet.advance(29_900);
  assert.equal(fleet.hub.accepted.length, 1);
  await fleet.advance(100);
  assert.equal(fleet.hub.accepted.length, 2);
  await fleet.stop();
});
