// What the store of commands has at the moment of a kill, and what the next hub makes of it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { CommandAnswer } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import { defaultHubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { Call } from "../gateway/call.ts";
import { Idempotency } from "../idempotency/idempotency.ts";
import { IdempotencyStore } from "../idempotency/idempotency-store.ts";
import { Recorder } from "../log/recorder.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { openSealing } from "../secrets/sealing.ts";
import { LogLines, temporaryFolder, type TemporaryFolder } from "../testing/hub-fixture.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import { CommandAnnouncer } from "./command-announcer.ts";
import { CommandRunner } from "./command-runner.ts";
import { CommandStore } from "./command-store.ts";

const clock = new ManualClock();
const primary = { id: "p1" } as PrimaryRecord;
const command = { uri: "/netbackup/x", method: "POST", headers: {} } as const;

function callOf(id: string, method: "GET" | "POST" = "POST"): Call {
  return {
    id,
    caller: { kind: "api-key", id: "k", name: "tester", role: "operator", scope: { kind: "all" } },
    from: "127.0.0.1",
    target: { primaryId: primary.id, path: "/netbackup/x", uri: "/netbackup/x" },
    method,
    timeoutMs: 1e9,
    primary,
    isAsync: true,
    idempotencyKey: "key",
  };
}

/** One life of a hub, as far as stored commands go. */
async function openLife(folder: TemporaryFolder, limits = {}) {
  const log = openSqliteLog({ path: join(folder.path, "log.sqlite"), maxPendingEvents: 10_000 });
  const sealing = await openSealing(join(folder.path, "key"));
  const store = new CommandStore({
    path: join(folder.path, "commands.sqlite"),
    sealing,
    limits: { ...defaultHubLimits, maxStoredCommandsPerPrimary: 10_000, ...limits },
    now: () => clock.now(),
  });
  const recorder = new Recorder({ log, now: () => clock.now(), newId: () => crypto.randomUUID() });
  const lines = new LogLines();
  /** Set, the log can't be written. */
  const failing = { isOn: false };
  const append: Recorder["append"] = (events) =>
    failing.isOn ? Promise.reject(new HubError("log_failed", "full")) : recorder.append(events);
  const announcer = new CommandAnnouncer({
    store,
    recorder: { append, eventOf: (...what) => recorder.eventOf(...what) },
    logger: lines.logger,
  });
  const sent: string[] = [];
  const runner = new CommandRunner({
    store,
    announcer,
    clock,
    logger: lines.logger,
    sweepMs: 1_000,
    ended: () => undefined,
    findPrimary: () => primary,
    isConnected: () => true,
    send(_, { uri }, { leaving }) {
      leaving?.();
      sent.push(uri);
      return Promise.resolve<CommandAnswer>({ status: 202, headers: {}, body: "started" });
    },
  });
  const finished = async () =>
    (await log.read({ after: 0, limit: 10_000, types: ["sallyport.command.finished"] })).map(
      ({ data }) => data as { id: string; state: string; status: number | null },
    );
  return {
    store,
    runner,
    announcer,
    lines,
    failing,
    sent,
    finished,
    audited: async () =>
      (await log.read({ after: 0, limit: 10_000, types: ["sallyport.audit"] })).map(({ data }) => data),
    sealing,
    async [Symbol.asyncDispose]() {
      await runner.close();
      store.close();
      await log.close();
    },
  };
}

test("stored commands - however many were being sent at a kill, none stays sent, and each end is in the log once", async () => {
  await using folder = await temporaryFolder();
  const count = 2_500;
  {
    await using life = await openLife(folder);
    for (let n = 0; n < count; n += 1) {
      await life.store.accept(callOf(`c${n}`, n % 2 === 0 ? "GET" : "POST"), command);
      life.store.markSent(`c${n}`);
    }
  }
  for (let start = 0; start < 2; start += 1) {
    await using life = await openLife(folder);
    await life.runner.start();
    assert.deepEqual(life.store.listSent(), []);
    const { state, retrySafe } = life.store.get(`c${count - 2}`) ?? {};
    assert.deepEqual([state, retrySafe], ["unknown", true]);
    assert.equal(life.store.get(`c${count - 1}`)?.retrySafe, false);
    await life.announcer.settled();
    const ends = await life.finished();
    assert.equal(ends.length, count);
    assert.equal(new Set(ends.map(({ id }) => id)).size, count);
    assert.deepEqual(life.sent, []);
  }
});

test("stored commands - an end that a kill kept out of the log is there after the next start, once", async () => {
  await using folder = await temporaryFolder();
  {
    await using life = await openLife(folder);
    // Killed after the store's commit: what goes to the log never arrives.
    life.failing.isOn = true;
    await life.store.accept(callOf("c1"), command);
    await life.runner.start();
    await life.runner.close();
    assert.equal(life.store.get("c1")?.state, "done");
    assert.deepEqual(await life.finished(), []);
    assert.ok(life.lines.all("commands.not_announced").length > 0);
  }
  for (let start = 0; start < 2; start += 1) {
    await using life = await openLife(folder);
    await life.runner.start();
    await life.announcer.settled();
    const [end, ...others] = await life.finished();
    assert.deepEqual([end?.id, end?.state, end?.status, others.length], ["c1", "done", 202, 0]);
    assert.deepEqual([life.sent, life.store.listUnannounced()], [[], []]);
    assert.deepEqual(await life.audited(), [
      {
        actor: { kind: "api-key", id: "k", name: "tester" },
        from: "127.0.0.1",
        action: "command POST /netbackup/x",
        target: "/primaries/p1",
        result: "done",
        status: 202,
        requestId: "c1",
      },
    ]);
  }
});

test("stored commands - a log that could not be written gets the ends later; until then they are not forgotten", async () => {
  await using folder = await temporaryFolder();
  await using life = await openLife(folder);
  life.failing.isOn = true;
  await life.store.accept(callOf("c1"), command);
  await life.runner.start();
  await life.announcer.settled();
  clock.advance(2 * defaultHubLimits.keepCommandAnswersMs);
  await life.announcer.settled();
  const { state, answer } = life.store.get("c1") ?? {};
  assert.deepEqual([state, answer], ["done", null], "its answer is forgotten in time, its end is not");
  life.failing.isOn = false;
  clock.advance(1_000);
  await life.announcer.settled();
  assert.deepEqual(
    (await life.finished()).map(({ id }) => id),
    ["c1"],
  );
  clock.advance(1_000);
  assert.equal(life.store.get("c1"), undefined);
});

test("stored commands - answers beyond their bound are forgotten, the oldest first", async () => {
  await using folder = await temporaryFolder();
  await using life = await openLife(folder, { maxStoredAnswerBytes: 5_000 });
  const outcome = { state: "done", error: null, mayHaveBeenExecuted: true, retrySafe: false } as const;
  for (const id of ["c1", "c2", "c3"]) {
    await life.store.accept(callOf(id), command);
    const answer = { status: 200, headers: {}, body: "x".repeat(1_500) };
    life.store.finish([
      { facts: { ...command, id, primaryId: "p1", path: "/x" }, outcome: { ...outcome, answer } },
    ]);
  }
  life.store.prune();
  const kept = ["c1", "c2", "c3"].map((id) => life.store.get(id)?.answer?.status);
  assert.deepEqual(kept, [undefined, 200, 200]);
  assert.equal(life.store.get("c1")?.state, "done");
});

test("stored commands - one that was accepted right before a kill is found again under its Idempotency-Key", async () => {
  await using folder = await temporaryFolder();
  const openKeys = (life: Awaited<ReturnType<typeof openLife>>) =>
    new IdempotencyStore(join(folder.path, "keys.sqlite"), life.sealing, 100);
  const work = ({ store }: Awaited<ReturnType<typeof openLife>>, call: Call) => ({
    perform: (keyHash: string | undefined) => store.accept(call, command, keyHash),
    recover: (keyHash: string, sinceMs: number) => store.acceptedUnder(keyHash, sinceMs),
  });
  const makeIdempotency = (store: IdempotencyStore) =>
    new Idempotency({ store, now: () => clock.now(), lifetimeMs: 1e9 });
  {
    await using life = await openLife(folder);
    using keys = openKeys(life);
    // Killed between the command's commit and the key's: the answer never comes.
    const { perform } = work(life, callOf("c1"));
    const begun = Promise.withResolvers<void>();
    void makeIdempotency(keys).run(callOf("c1"), "{}", {
      async perform(keyHash) {
        await perform(keyHash);
        begun.resolve();
        return new Promise(() => {});
      },
    });
    await begun.promise;
  }
  await using life = await openLife(folder);
  using keys = openKeys(life);
  for (let repeat = 0; repeat < 2; repeat += 1) {
    const again = callOf(`c${2 + repeat}`);
    const { answer, replayed } = await makeIdempotency(keys).run(again, "{}", work(life, again));
    assert.deepEqual([answer.headers["location"], replayed], ["/api/v1/commands/c1", true]);
  }
  assert.equal(life.store.queued, 1);
  const other = callOf("c9");
  await assert.rejects(makeIdempotency(keys).run(other, "another body", work(life, other)), {
    code: "idempotency_mismatch",
  });
});
