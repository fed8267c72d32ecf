import { EventEmitter, once } from "node:events";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { childrenOf, isParent, parentStatus } from "./job-family.ts";
import type { JobLifecycle, JobOutcome } from "./job-lifecycle.ts";
import { JobRun, type JobWork } from "./job-run.ts";
import { findObstacle, selectJobs, type Obstacle, type WaitingJob } from "./job-selection.ts";
import { canHappen } from "./job-state.ts";
import type { JobStore } from "./job-store.ts";
import type { Job, JobType, NewJob } from "./job.ts";

/** What the queue works on. */
export interface JobQueueOptions {
  jobs: JobStore;
  lifecycle: JobLifecycle;
  work: Readonly<Record<JobType, JobWork>>;
  /** Jobs that may use a storage unit at once. */
  maxJobsOf: (storageUnit: string) => number;
  clock: Clock;
  log: Logger;
}

interface RunningJob extends WaitingJob {
  aborter: AbortController;
  ended: Promise<void>;
}

/** Runs jobs: by priority and in order of arrival, as many at once as their storage units and policies allow. */
export class JobQueue implements AsyncDisposable {
  readonly #options: JobQueueOptions;
  readonly #waiting = new Map<number, WaitingJob>();
  readonly #running = new Map<number, RunningJob>();
  readonly #closing = new AbortController();
  /** Emits a job's id when it is DONE. */
  readonly #ends = new EventEmitter().setMaxListeners(0);
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /** Takes up the jobs that have waited for their next try since before the start. */
  start(): void {
    for (const job of this.#options.jobs.listOpen()) {
      if (job.state === "REQUEUED") this.#waiting.set(job.id, waitingJob(job));
    }
    this.wake();
  }

  /**
   * Makes a job, which starts when it is its turn.
   * @throws PrimaryError `queue_full`, `stopping`
   */
  submit(job: NewJob): Job {
    this.#checkRoom();
    const made = this.#options.jobs.insert(job, this.#options.clock.nowMs());
    this.#enqueue(made);
    return made;
  }

  /**
   * Cancels a job, and its children first when it has any.
   * @throws PrimaryError `not_cancellable` when it is DONE
   */
  cancel(job: Job, userName: string): void {
    const { lifecycle, jobs } = this.#options;
    for (const child of isParent(job) ? jobs.listChildren(job.id) : []) {
      if (canHappen(child.state, "cancel")) this.cancel(child, userName);
    }
    const current = jobs.get(job.id);
    this.#waiting.delete(job.id);
    if (lifecycle.cancel(current, userName).state === "DONE") this.#ends.emit(String(job.id));
    this.#running.get(job.id)?.aborter.abort();
  }

  /**
   * Suspends a backup: what it has written stays in the repository, and a resume does not write it again.
   * @throws PrimaryError `wrong_job_state`
   */
  suspend(job: Job, userName: string): void {
    if (job.type !== "BACKUP" || isParent(job)) {
      throw new PrimaryError(
        "wrong_job_state",
        "only a backup can be suspended, and of several streams each by itself",
      );
    }
    this.#options.lifecycle.suspend(job, userName);
    this.#waiting.delete(job.id);
    this.#running.get(job.id)?.aborter.abort();
  }

  /**
   * Lets a suspended job wait for its turn again.
   * @throws PrimaryError `wrong_job_state`, `queue_full`, `stopping`
   */
  resume(job: Job, userName: string): void {
    this.#checkRoom();
    this.#enqueue(this.#options.lifecycle.resume(job, userName));
  }

  /** Gives a job another priority, by which it gets its turn when it waits for one. */
  prioritise(job: Job, priority: number): void {
    this.#options.jobs.setPriority(job.id, priority, this.#options.clock.nowMs());
    const waiting = this.#waiting.get(job.id);
    if (waiting !== undefined) this.#waiting.set(job.id, { ...waiting, priority });
  }

  /** Ends the scheduled jobs whose start window has closed while they waited, with status 196. */
  dropMissed(): void {
    const { jobs, lifecycle, clock } = this.#options;
    for (const id of this.#waiting.keys()) {
      const job = jobs.get(id);
      if (job.windowEndMs === null || clock.nowMs() < job.windowEndMs) continue;
      this.#waiting.delete(id);
      lifecycle.miss(job);
      this.#ends.emit(String(id));
    }
  }

  /** What a job that could begin waits for; undefined when it doesn't wait, or only for its time. */
  obstacleOf(id: number): Obstacle | undefined {
    const job = this.#waiting.get(id);
    if (job === undefined || job.dueAtMs > this.#options.clock.nowMs()) return undefined;
    return findObstacle(job, [...this.#running.values()], this.#options.maxJobsOf);
  }

  /** Starts what can start now. */
  wake(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    const { clock, maxJobsOf } = this.#options;
    const nowMs = clock.nowMs();
    for (const job of selectJobs([...this.#waiting.values()], [...this.#running.values()], {
      nowMs,
      maxJobsOf,
    })) {
      this.#begin(job);
    }
    const due = [...this.#waiting.values()]
      .map(({ dueAtMs }) => dueAtMs)
      .filter((dueAtMs) => dueAtMs > nowMs);
    if (due.length === 0) return;
    // Long timers overflow, and the clock may be set: it is looked at again at least every minute.
    this.#timer = setTimeout(() => this.wake(), Math.min(60_000, Math.min(...due) - nowMs));
    this.#timer.unref();
  }

  /** Stops every job, which ends with status 50, and waits for that. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    const { jobs, lifecycle } = this.#options;
    for (const id of this.#waiting.keys()) {
      const job = jobs.get(id);
      // One that waits for its next try goes on waiting over the restart.
      if (job.state !== "QUEUED") continue;
      lifecycle.interrupt(job, "the primary was stopped before the job started");
      this.#ends.emit(String(id));
    }
    this.#waiting.clear();
    // A parent waits no longer for what rests; what runs ends before it.
    for (const { id } of jobs.listOpen()) if (!this.#running.has(id)) this.#ends.emit(String(id));
    const running = [...this.#running.values()];
    for (const { aborter } of running) aborter.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkRoom(): void {
    if (this.#closing.signal.aborted) {
      throw new PrimaryError("stopping", "the primary is stopping: try again when it is up");
    }
    if (this.#waiting.size >= limits.maxQueuedJobs) {
      throw new PrimaryError(
        "queue_full",
        `${limits.maxQueuedJobs} jobs are waiting already: try again later`,
      );
    }
  }

  #enqueue(job: Job): void {
    this.#waiting.set(job.id, waitingJob(job));
    // Later, so that whoever asked for the job knows its number before it starts.
    setImmediate(() => this.wake());
  }

  #begin(job: WaitingJob): void {
    this.#waiting.delete(job.id);
    const aborter = new AbortController();
    const ended = this.#run(job.id, aborter.signal)
      .catch((error: unknown) => this.#options.log.error({ err: error, jobId: job.id }, "job.lost"))
      .finally(() => {
        this.#running.delete(job.id);
        this.wake();
      });
    this.#running.set(job.id, { ...job, aborter, ended });
  }

  async #run(id: number, signal: AbortSignal): Promise<void> {
    const { jobs, work } = this.#options;
    const parts = { ...this.#options, closing: this.#closing.signal };
    const run = new JobRun(parts, id, signal);
    const requeued = await run.run(
      isParent(jobs.get(id))
        ? (job, context) => this.#runChildren(job, context.signal)
        : (job, context) => work[job.type](job, context),
    );
    if (requeued !== undefined && !this.#closing.signal.aborted) this.#waiting.set(id, waitingJob(requeued));
    if (jobs.find(id)?.state === "DONE") this.#ends.emit(String(id));
  }

  /** A parent's work: its children, of which each has a job, a try, a log and an image of its own. */
  async #runChildren(parent: Job, signal: AbortSignal): Promise<JobOutcome> {
    const { jobs, clock } = this.#options;
    const children = childrenOf(parent).map((child) => jobs.insert(child, clock.nowMs()));
    const ends = children.map(({ id }) => once(this.#ends, String(id)));
    for (const child of children) this.#enqueue(child);
    await Promise.all(ends);
    const statuses = children.map(({ id }) => jobs.get(id).status);
    const log = children.map(({ id }, index) => ({
      severity: (statuses[index] ?? 0) > 1 ? ("ERROR" as const) : ("INFO" as const),
      message: `stream ${index + 1}, job ${id}: status ${statuses[index]}`,
    }));
    return { status: signal.aborted ? 150 : parentStatus(statuses), log };
  }
}

function waitingJob(job: Job): WaitingJob {
  return {
    id: job.id,
    priority: job.priority,
    dueAtMs: job.dueAtMs ?? 0,
    policyName: job.policyName,
    jobLimit: job.jobLimit,
    storageUnit: isParent(job) ? undefined : job.storageUnit,
  };
}
