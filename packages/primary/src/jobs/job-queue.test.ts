import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import test from "node:test";
import { setImmediate } from "node:timers/promises";
import { openDatabase } from "@sallyport/durable";
import pino from "pino";
import { Catalogue } from "../catalogue/catalogue.ts";
import { limits } from "../limits.ts";
import { migrations } from "../schema.ts";
import { temporaryFolder, TestJournal } from "../testing/test-primary.ts";
import { failedStreams } from "./job-family.ts";
import { JobLifecycle, type JobOutcome } from "./job-lifecycle.ts";
import { JobQueue } from "./job-queue.ts";
import type { JobWork } from "./job-run.ts";
import { JobStore } from "./job-store.ts";
import type { NewJob } from "./job.ts";

const newJob = (change: Partial<NewJob> = {}): NewJob => ({
  type: "BACKUP",
  clientName: "client",
  policyName: "p",
  scheduleName: "full",
  storageUnit: "stu",
  owner: "me",
  request: { selections: ["/a"] },
  ...change,
});

/** A queue on a real database, whose jobs do what the test tells them to. */
async function startQueue(maxJobs = 1) {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder());
  const database = starting.use(openDatabase({ path: join(folder.path, "db"), migrations }));
  const jobs = new JobStore(database);
  const catalogue = new Catalogue(database);
  const journal = new TestJournal();
  const log = pino({ level: "silent" });
  const clock = { now: 1_000_000, nowMs: () => clock.now };
  const events = new EventEmitter().setMaxListeners(0);
  const started: number[] = [];
  const work: JobWork = async (job, { signal, onProgress }) => {
    started.push(job.id);
    events.on(`progress ${job.id}`, onProgress);
    events.emit("started", job.id);
    const end = once(events, `end ${job.id}`, { signal }) as Promise<[JobOutcome]>;
    const [outcome] = await end;
    return outcome;
  };
  const lifecycle = new JobLifecycle({ database, jobs, catalogue, journal, clock, log });
  const options = {
    jobs,
    lifecycle,
    work: { BACKUP: work, RESTORE: work, VERIFY: work },
    maxJobsOf: () => maxJobs,
    clock,
    log,
  };
  const queue = starting.use(new JobQueue(options));
  const resources = starting.move();
  return {
    queue,
    options,
    jobs,
    journal,
    clock,
    started,
    /** Waits until a job has begun so many tries altogether. */
    untilStarted: async (count: number) => {
      while (started.length < count) await once(events, "started");
    },
    end: async (id: number, status: number) => {
      events.emit(`end ${id}`, { status });
      await journal.jobDone(id);
    },
    fail: (id: number, status: number) => events.emit(`end ${id}`, { status }),
    progress: (id: number, percentComplete: number, kilobytes: number) => {
      const rest = { kilobytesTotal: 100, files: kilobytes / 10, filesTotal: 10, currentFile: `/file${id}` };
      events.emit(`progress ${id}`, { percentComplete, kilobytes, ...rest });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

test("job queue - runs the job of the highest priority first, and of each policy no more than its limit", async () => {
  await using scene = await startQueue(2);
  const { queue, started } = scene;
  const first = queue.submit(newJob({ jobLimit: 1 })).id;
  const second = queue.submit(newJob({ jobLimit: 1 })).id;
  const other = queue.submit(newJob({ policyName: "q", priority: 1 })).id;
  const urgent = queue.submit(newJob({ policyName: "q", priority: 9 })).id;
  await scene.untilStarted(2);
  assert.deepEqual(started, [urgent, other]);
  await scene.end(urgent, 0);
  await scene.untilStarted(3);
  assert.equal(started[2], first);
  await scene.end(other, 0);
  await scene.end(first, 0);
  await scene.untilStarted(4);
  assert.equal(started[3], second);
  await scene.end(second, 0);
});

test("job queue - tries a failed job again after its delay, with a log for each try", async () => {
  await using scene = await startQueue();
  const { id } = scene.queue.submit(newJob({ maxTries: 2 }));
  await scene.untilStarted(1);
  const next = scene.queue.submit(newJob()).id;
  scene.fail(id, 13);
  // The storage unit is free for the next job while the first waits.
  await scene.untilStarted(2);
  assert.equal(scene.started[1], next);
  const waiting = scene.jobs.get(id);
  assert.equal(waiting.state, "REQUEUED");
  assert.equal(waiting.dueAtMs, scene.clock.now + limits.jobRetryDelayMs);
  await scene.end(next, 0);
  scene.clock.now += limits.jobRetryDelayMs;
  scene.queue.wake();
  await scene.untilStarted(3);
  const backupId = scene.jobs.get(id).backupId;
  assert.equal(backupId, waiting.backupId, "the image keeps its id");
  await scene.end(id, 84);
  const done = scene.jobs.get(id);
  assert.deepEqual([done.state, done.status, done.tries], ["DONE", 84, 2]);
  assert.deepEqual(
    scene.jobs.log.tries(id).map(({ number, status }) => [number, status]),
    [
      [1, 13],
      [2, 84],
    ],
  );
  assert.match(scene.jobs.log.read(id, 1).at(-1)?.message ?? "", /^status 13: .* The next try begins at/);
  assert.match(scene.jobs.log.read(id, 2)[0]?.message ?? "", /try 2/);
});

test("job queue - a job that waits for its next try does so over a restart of the primary", async () => {
  await using scene = await startQueue();
  const { id } = scene.queue.submit(newJob({ maxTries: 2 }));
  await scene.untilStarted(1);
  const marker = scene.queue.submit(newJob()).id;
  scene.fail(id, 6);
  await scene.untilStarted(2);
  await scene.queue.close();
  assert.equal((await scene.journal.jobDone(marker)).status, 50);
  assert.equal(scene.jobs.get(id).state, "REQUEUED");
  await using queue = new JobQueue(scene.options);
  scene.clock.now += limits.jobRetryDelayMs;
  queue.start();
  await scene.untilStarted(3);
  await scene.end(id, 0);
  assert.equal(scene.jobs.get(id).status, 0);
});

test("job queue - a parent runs its children in their streams and ends after them, with their status", async () => {
  await using scene = await startQueue(1);
  const streams = [{ selections: ["/a"] }, { selections: ["/b"] }];
  const { id } = scene.queue.submit(newJob({ request: { streams }, jobLimit: 1 }));
  await scene.untilStarted(1);
  const [first, second] = scene.jobs.listChildren(id);
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual([first.streamNumber, second.streamNumber], [1, 2]);
  await scene.end(first.id, 0);
  await scene.untilStarted(2);
  await scene.end(second.id, 71);
  assert.equal((await scene.journal.jobDone(id)).status, 1);
  assert.deepEqual(
    scene.journal.jobs().map((item) => [item.jobId, item.parentJobId, item.state, item.status]),
    [
      [id, id, "ACTIVE", 0],
      [first.id, id, "ACTIVE", 0],
      [first.id, id, "DONE", 0],
      [second.id, id, "ACTIVE", 0],
      [second.id, id, "DONE", 71],
      [id, id, "DONE", 1],
    ],
  );
  assert.equal(scene.jobs.get(id).backupId, null, "a parent has no image of its own");
});

test("job queue - cancelling a parent cancels its children, those that run and those that wait", async () => {
  await using scene = await startQueue(1);
  const streams = [{ selections: ["/a"] }, { selections: ["/b"] }];
  const parent = scene.queue.submit(newJob({ request: { streams } }));
  await scene.untilStarted(1);
  scene.queue.cancel(scene.jobs.get(parent.id), "me");
  assert.equal((await scene.journal.jobDone(parent.id)).status, 150);
  const ends = scene.journal.jobs().filter(({ state }) => state === "DONE");
  assert.deepEqual(
    ends.map(({ status }) => status),
    [150, 150, 150],
  );
  assert.equal(ends.at(-1)?.jobId, parent.id);
});

/** A parent of two streams with both children running. */
async function startFamily(scene: Awaited<ReturnType<typeof startQueue>>, change: Partial<NewJob> = {}) {
  const streams = [{ selections: ["/a"] }, { selections: ["/b"] }];
  const parent = scene.queue.submit(newJob({ request: { streams }, ...change }));
  await scene.untilStarted(2);
  const [first, second] = scene.jobs.listChildren(parent.id);
  assert.ok(first !== undefined && second !== undefined);
  return { parent, first, second, streams };
}

test("job queue - a parent shows what its children have done together, while they run and at its end", async () => {
  await using scene = await startQueue(2);
  const { parent, first, second } = await startFamily(scene);
  scene.progress(first.id, 50, 50);
  scene.clock.now += limits.progressIntervalMs;
  scene.progress(second.id, 25, 30);
  const shown = () => {
    const { percentComplete, kilobytes, kilobytesTotal, files, filesTotal } = scene.jobs.get(parent.id);
    return [percentComplete, kilobytes, kilobytesTotal, files, filesTotal];
  };
  assert.deepEqual(shown(), [37, 80, 200, 8, 20]);
  assert.match(scene.jobs.get(parent.id).currentFile, /^\/file/);
  scene.progress(first.id, 100, 100);
  scene.progress(second.id, 100, 100);
  await scene.end(first.id, 0);
  await scene.end(second.id, 0);
  await scene.journal.jobDone(parent.id);
  assert.deepEqual(shown(), [100, 200, 200, 20, 20]);
  assert.deepEqual(
    scene.jobs.log.tries(parent.id).map(({ kilobytes, files }) => [kilobytes, files]),
    [[200, 20]],
  );
});

test("job queue - a parent is not tried again, its children are", async () => {
  await using scene = await startQueue(2);
  const { parent, first, second } = await startFamily(scene, { maxTries: 2 });
  scene.fail(first.id, 13);
  scene.fail(second.id, 13);
  while (scene.jobs.listChildren(parent.id).some(({ state }) => state !== "REQUEUED")) await setImmediate();
  scene.clock.now += limits.jobRetryDelayMs;
  scene.queue.wake();
  await scene.untilStarted(4);
  await scene.end(first.id, 13);
  await scene.end(second.id, 58);
  assert.equal((await scene.journal.jobDone(parent.id)).status, 13);
  assert.equal(scene.jobs.listChildren(parent.id).length, 2);
  assert.equal(scene.jobs.get(parent.id).tries, 1);
});

test("job queue - a parent is suspended and resumed through its children", async () => {
  await using scene = await startQueue(2);
  const { parent, first, second } = await startFamily(scene);
  await scene.end(first.id, 0);
  assert.throws(() => scene.queue.resume(scene.jobs.get(parent.id), "me"), { code: "wrong_job_state" });
  scene.queue.suspend(scene.jobs.get(parent.id), "me");
  while (scene.jobs.get(second.id).state !== "SUSPENDED") await setImmediate();
  assert.equal(scene.jobs.get(parent.id).state, "ACTIVE");
  assert.deepEqual(scene.jobs.countChildren(parent.id), { all: 2, failed: 0, suspendable: 0, suspended: 1 });
  assert.throws(() => scene.queue.suspend(scene.jobs.get(parent.id), "me"), { code: "wrong_job_state" });
  scene.queue.resume(scene.jobs.get(parent.id), "me");
  await scene.untilStarted(3);
  await scene.end(second.id, 0);
  assert.equal((await scene.journal.jobDone(parent.id)).status, 0);
});

test("job queue - a parent goes on after a restart of the primary as long as a child rests", async () => {
  await using scene = await startQueue(2);
  const { parent, first, second } = await startFamily(scene);
  await scene.end(first.id, 71);
  scene.queue.suspend(scene.jobs.get(second.id), "me");
  while (scene.jobs.get(second.id).state !== "SUSPENDED") await setImmediate();
  await scene.queue.close();
  assert.equal(scene.jobs.get(parent.id).state, "ACTIVE");
  await using queue = new JobQueue(scene.options);
  queue.start();
  queue.resume(scene.jobs.get(second.id), "me");
  await scene.untilStarted(3);
  await scene.end(second.id, 0);
  assert.equal((await scene.journal.jobDone(parent.id)).status, 1);
  assert.deepEqual([scene.jobs.get(parent.id).tries, scene.jobs.listChildren(parent.id).length], [1, 2]);
});

test("job queue - what has failed of a parent is run again under the same stream numbers", async () => {
  await using scene = await startQueue(2);
  const { parent, first, second, streams } = await startFamily(scene);
  await scene.end(first.id, 0);
  await scene.end(second.id, 13);
  await scene.journal.jobDone(parent.id);
  const request = failedStreams(scene.jobs.get(parent.id), scene.jobs.listChildren(parent.id));
  assert.deepEqual(request, { streams: [streams[1]], numbers: [2] });
  const again = scene.queue.submit(newJob({ request }));
  await scene.untilStarted(3);
  const [child] = scene.jobs.listChildren(again.id);
  assert.deepEqual([child?.streamNumber, child?.request], [2, streams[1]]);
});

test("job queue - a parent needs room for all of its children", async () => {
  await using scene = await startQueue(1);
  const request = { streams: Array.from({ length: limits.maxQueuedJobs }, () => ({ selections: ["/a"] })) };
  scene.queue.submit(newJob({ request }));
  assert.throws(() => scene.queue.submit(newJob()), { code: "queue_full" });
});

test("job queue - closing ends children before their parent, all with 50", async () => {
  await using scene = await startQueue(1);
  const streams = [{ selections: ["/a"] }, { selections: ["/b"] }];
  const parent = scene.queue.submit(newJob({ request: { streams } }));
  await scene.untilStarted(1);
  await scene.queue.close();
  const ends = scene.journal.jobs().filter(({ state }) => state === "DONE");
  assert.deepEqual(
    ends.map(({ status }) => status),
    [50, 50, 50],
  );
  assert.equal(ends.at(-1)?.jobId, parent.id);
});

test("job queue - a suspended job frees its place, and goes on with another try when it is resumed", async () => {
  await using scene = await startQueue(1);
  const first = scene.queue.submit(newJob());
  await scene.untilStarted(1);
  const second = scene.queue.submit(newJob());
  scene.queue.suspend(scene.jobs.get(first.id), "me");
  assert.equal(scene.jobs.get(first.id).state, "SUSPENDING");
  await scene.untilStarted(2);
  assert.equal(scene.jobs.get(first.id).state, "SUSPENDED");
  assert.throws(() => scene.queue.suspend(scene.jobs.get(first.id), "me"), { code: "wrong_job_state" });
  assert.throws(() => scene.queue.resume(scene.jobs.get(second.id), "me"), { code: "wrong_job_state" });
  scene.queue.resume(scene.jobs.get(first.id), "me");
  assert.equal(scene.jobs.get(first.id).state, "QUEUED");
  await scene.end(second.id, 0);
  await scene.untilStarted(3);
  await scene.end(first.id, 0);
  assert.equal(scene.jobs.get(first.id).tries, 2);
});

test("job queue - a restore can't be suspended", async () => {
  await using scene = await startQueue(1);
  const restore = scene.queue.submit(newJob({ type: "RESTORE" }));
  assert.throws(() => scene.queue.suspend(restore, "me"), { code: "wrong_job_state" });
});
