// What rollouts do with their targets, and what a kill at any moment leaves of them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { temporaryFolder } from "../testing/hub-fixture.ts";
import { openRolloutLife, rolloutTo } from "../testing/rollout-life.ts";

type Life = Awaited<ReturnType<typeof openRolloutLife>>;
const answer = (status: number, headers = {}) => Promise.resolve({ status, headers, body: "" });

/** Lets a life go on, in steps of the clock, until nothing is left to do or `isEnough`. */
async function goOn(life: Life, clock: ManualClock, isEnough = () => false, stepMs = 100): Promise<void> {
  for (let step = 0; step < 5_000 && life.store.open().length > 0 && !isEnough(); step += 1) {
    clock.advance(stepMs);
    await life.rollouts.look();
  }
  await life.rollouts.look();
}

const countsOf = (life: Life) =>
  Object.fromEntries(
    Object.entries(life.store.counts(life.store.require("r1", []))).filter(([, count]) => count > 0),
  );

test("rollout - reaches each target once, records it before, and tells its beginning and end once", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const sent: string[] = [];
  await using life = await openRolloutLife(folder.path, {
    clock,
    send(id, { parameters }) {
      sent.push(`${id} ${parameters}`);
      return answer(id === "p3" ? 500 : 200);
    },
  });
  life.store.create(rolloutTo(20));
  life.rollouts.start();
  await life.runner.start();
  await goOn(life, clock);
  assert.deepEqual(
    sent,
    Array.from({ length: 20 }, (_, n) => `p${n} the body`),
  );
  assert.deepEqual(countsOf(life), { done: 19, refused: 1 });
  const told = await life.events("sallyport.rollout.created", "sallyport.rollout.finished");
  assert.deepEqual(
    told.map(({ id }) => id),
    ["rollout.r1.created", "rollout.r1.ended"],
  );
  const [, ending] = told.map(({ data }) => data as { counts?: object });
  assert.deepEqual(ending?.counts, { done: 19, refused: 1 });
  const audited = (await life.events("sallyport.audit")).filter(
    ({ data }) => (data as { result: string }).result === "started",
  );
  assert.equal(audited.length, 20);
  assert.deepEqual(
    new Set(audited.map(({ subject }) => subject)),
    new Set(rolloutTo(20).primaries.map((id) => `/primaries/${id}`)),
  );
  assert.doesNotMatch(life.lines.text + JSON.stringify([told, audited]), /s3cret|the body/);
  assert.equal(life.store.require("r1", []).sealed_command, null, "what was sent is forgotten");
});

test("rollout - a ticket of the guard on premises is held, neither done nor failed", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const location = "/netbackup/sallyport/tickets/5f0c";
  await using life = await openRolloutLife(folder.path, {
    clock,
    send: (id) => answer(202, id === "p0" ? { location } : { location: "/netbackup/admin/jobs/7" }),
  });
  life.store.create(rolloutTo(2));
  life.rollouts.start();
  await life.runner.start();
  await goOn(life, clock);
  assert.deepEqual(countsOf(life), { held: 1, done: 1 });
});

test("rollout - aborts at its share of failures: what waits is skipped, what has not left is taken back", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const isAway = (id: string) => id === "p0" || id === "p1";
  await using life = await openRolloutLife(folder.path, {
    clock,
    isConnected: (id) => !isAway(id),
    send: () => answer(400),
  });
  const abortWhen = { failedPercent: 50, afterEnded: 4 };
  life.store.create(rolloutTo(100, { rules: { ratePerMinute: 600, maxRunning: 3, windows: [], abortWhen } }));
  life.rollouts.start();
  await life.runner.start();
  await goOn(life, clock);
  await life.rollouts.look();
  const { cancelled, refused = 0, skipped = 0, ...others } = countsOf(life);
  assert.deepEqual([cancelled, others], [2, {}], "those that are away wait no more");
  assert.ok(refused >= 4 && refused <= 6, `${refused} were refused`);
  assert.equal(refused + skipped, 98);
  const row = life.store.require("r1", []);
  assert.equal(row.state, "aborted");
  assert.match(row.reason ?? "", /of \d+ that ended have failed/);
  assert.equal((await life.events("sallyport.rollout.aborted")).length, 1);
});

test("rollout - nothing is sent after its window, not even what was started within it", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock(Date.parse("2026-11-24T00:59:30Z"));
  let isThere = false;
  const sentAt: string[] = [];
  await using life = await openRolloutLife(folder.path, {
    clock,
    isConnected: (id) => isThere || id !== "p0",
    send() {
      sentAt.push(new Date(clock.now()).toISOString());
      return answer(200);
    },
  });
  const windows = [
    { start: "01:00", end: "01:01" },
    { start: "01:10", end: "01:11" },
  ];
  life.store.create(rolloutTo(3, { rules: { ratePerMinute: 2, maxRunning: 3, windows, abortWhen: null } }));
  life.rollouts.start();
  await life.runner.start();
  await goOn(life, clock, () => clock.now() >= Date.parse("2026-11-24T01:02:00Z"));
  isThere = true;
  life.runner.wake("p0");
  await goOn(life, clock, undefined, 20_000);
  // The second within the first window, the third in the next: two a minute, and the first was away.
  assert.deepEqual(countsOf(life), { expired: 1, done: 2 });
  assert.deepEqual(
    sentAt.map((text) => text.slice(11, 16)),
    ["01:00", "01:10"],
  );
});

test("rollout - a primary with no room for one more command comes last, and the others do not wait for it", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  let isThere = false;
  await using life = await openRolloutLife(folder.path, {
    clock,
    isConnected: (id) => isThere || id !== "p0",
    send: () => answer(200),
    limits: { maxStoredCommandsPerPrimary: 1 },
  });
  const caller = { kind: "api-key", id: "k", name: "t" } as const;
  const call = { method: "GET", from: "127.0.0.1", caller, target: { path: "/x" } } as const;
  const other = { ...call, id: "other", timeoutMs: 1e9, primary: { id: "p0" } };
  life.commands.acceptOnce(other, { uri: "/x", method: "GET", headers: {} });
  life.store.create(rolloutTo(3));
  life.rollouts.start();
  await life.runner.start();
  await goOn(life, clock, () => countsOf(life)["done"] === 2);
  assert.deepEqual(countsOf(life), { done: 2, waiting: 1 });
  isThere = true;
  life.runner.wake("p0");
  await goOn(life, clock);
  assert.deepEqual(countsOf(life), { done: 3 });
});

for (const [title, isStored] of [
  ["before its command is stored", false],
  ["after its command is stored and before that is noted", true],
] as const) {
  test(`rollout - killed ${title}, a target is neither reached twice nor forgotten`, async () => {
    await using folder = await temporaryFolder();
    const clock = new ManualClock();
    const sent: string[] = [];
    const send = (id: string) => {
      sent.push(id);
      return answer(200);
    };
    {
      await using life = await openRolloutLife(folder.path, { clock, send });
      life.store.create(rolloutTo(30));
      // From here on nothing of it reaches the disk: as if it were gone.
      let calls = 0;
      const fail = () => {
        throw new Error("killed");
      };
      const accept = life.commands.acceptOnce.bind(life.commands);
      life.commands.acceptOnce = (...given) => ((calls += 1) > 10 && !isStored ? fail() : accept(...given));
      const mark = life.store.markStarted.bind(life.store);
      life.store.markStarted = (...given) => (calls > 10 ? fail() : mark(...given));
      life.rollouts.start();
      await life.runner.start();
      await goOn(life, clock, () => life.lines.all("rollouts.failed").length > 0);
      assert.ok(life.lines.all("rollouts.failed").length > 0);
    }
    // Between the two lives a stored command may have run, and its answer be forgotten.
    await using life = await openRolloutLife(folder.path, { clock, send });
    life.rollouts.start();
    await life.runner.start();
    await goOn(life, clock);
    assert.deepEqual(sent.toSorted(), rolloutTo(30).primaries.toSorted());
    assert.deepEqual(countsOf(life), { done: 30 });
  });
}

test("rollout - an abort finds the command that was stored right before the disk failed", async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  await using life = await openRolloutLife(folder.path, {
    clock,
    isConnected: () => false,
    send: () => answer(200),
  });
  life.store.create(rolloutTo(3));
  const mark = life.store.markStarted.bind(life.store);
  life.store.markStarted = () => {
    throw new Error("disk full");
  };
  life.rollouts.start();
  await life.runner.start();
  await life.rollouts.look();
  life.store.markStarted = mark;
  life.rollouts.abort(life.store.require("r1", []), "enough");
  await goOn(life, clock);
  await life.rollouts.look();
  assert.deepEqual(countsOf(life), { cancelled: 1, skipped: 2 });
  assert.equal(life.commands.queued, 0);
});

test("rollout - killed with kill -9 again and again, it reaches each primary at most once and ends each target", async () => {
  await using folder = await temporaryFolder();
  const count = 24;
  const file = join(import.meta.dirname, "..", "testing", "rollout-until-done.ts");
  const sent: string[] = [];
  let isFinished = false;
  for (let life = 0; !isFinished; life += 1) {
    assert.ok(life < 20, "it comes to no end");
    const child = spawn(process.execPath, [file, folder.path, `${count}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let lines = 0;
    for await (const line of createInterface(child.stdout)) {
      if (line === "finished") isFinished = true;
      else sent.push(line);
      // At another point of its work each time; the last lives may end.
      if ((lines += 1) === 3 + life && life < 4) child.kill("SIGKILL");
    }
    await exited;
  }
  assert.ok(new Set(sent).size === sent.length, `sent twice: ${sent.join()}`);
  await using life = await openRolloutLife(folder.path, {
    clock: new ManualClock(),
    send: () => answer(200),
  });
  const { done = 0, unknown = 0, ...others } = countsOf(life);
  assert.deepEqual([done + unknown, others], [count, {}]);
  assert.ok(unknown <= 4 * 3, `at each kill three were under way at most, so ${unknown} can not be unknown`);
  assert.ok(done <= sent.length);
  const told = await life.events("sallyport.rollout.created", "sallyport.rollout.finished");
  assert.equal(told.length, 2);
});
