import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { FamilyRuns } from "./family-runs.ts";
import { isParent, jobsOf } from "./job-family.ts";
import type { JobLifecycle, JobOutcome } from "./job-lifecycle.ts";
import { JobRun, type JobWork, type JobWorkContext, type RunWork } from "./job-run.ts";
import { findObstacle, selectJobs, type Obstacle, type WaitingJob } from "./job-selection.ts";
import { canHappen, type JobState } from "./job-state.ts";
import type { JobStore } from "./job-store.ts";
import type { Job, JobType, NewJob } from "./job.ts";

/** What the queue works on. */
export interface JobQueueOptions {
  jobs: JobStore;
  lifecycle: JobLifecycle;
  work: Readonly<Record<JobType, JobWork>>;
  /** Jobs that may use a storage unit at once. */
  maxJobsOf: (storageUnit: string) => number;
  /** Jobs that may run at once, of all storage units together; `maxRunningJobs` without it. */
  maxJobs?: number;
  clock: Clock;
  log: Logger;
}

interface QueuedJob extends WaitingJob {
  /** Jobs that wait with it: the children of a parent that has not begun. */
  jobs: number;
}

interface RunningJob extends QueuedJob {
  aborter: AbortController;
  ended: Promise<void>;
}

/** Runs jobs: by priority and in order of arrival, as many at once as their storage units and policies allow. */
export class JobQueue implements AsyncDisposable {
  readonly #options: JobQueueOptions;
  readonly #waiting = new Map<number, QueuedJob>();
  readonly #running = new Map<number, RunningJob>();
  readonly #closing = new AbortController();
  readonly #families: FamilyRuns;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JobQueueOptions) {
    this.#options = options;
    this.#families = new FamilyRuns({ ...options, enqueue: (child) => this.#enqueue(child) });
  }

  /** Takes up the jobs that have waited for their next try since before the start, and the parents of what rests. */
  start(): void {
    for (const job of this.#options.jobs.listOpen()) {
      if (job.state === "REQUEUED") this.#waiting.set(job.id, waitingJob(job));
      else if (isParent(job) && job.state !== "QUEUED") this.#begin(waitingJob(job), job);
    }
    this.wake();
  }

  /**
   * Makes a job, which starts when it is its turn.
   * @throws PrimaryError `queue_full`, `stopping`
   */
  submit(job: NewJob): Job {
    this.#checkRoom(jobsOf(job));
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
    if (lifecycle.cancel(current, userName).state === "DONE") this.#families.noteEnd(job.id);
    this.#running.get(job.id)?.aborter.abort();
  }

  /**
   * Suspends a backup: what it has written stays in the repository, and a resume does not write it again. Of a parent
   * all children are suspended that wait or run; it stays ACTIVE itself.
   * @throws PrimaryError `wrong_job_state`
   */
  suspend(job: Job, userName: string): void {
    if (job.type !== "BACKUP") throw new PrimaryError("wrong_job_state", "only a backup can be suspended");
    if (isParent(job)) {
      const children = this.#childrenIn(job, ["QUEUED", "ACTIVE", "REQUEUED"], "suspended");
      for (const child of children) this.suspend(child, userName);
      return;
    }
    this.#options.lifecycle.suspend(job, userName);
    this.#waiting.delete(job.id);
    this.#running.get(job.id)?.aborter.abort();
  }

  /**
   * Lets a suspended job wait for its turn again, or all suspended children of a parent.
   * @throws PrimaryError `wrong_job_state`, `queue_full`, `stopping`
   */
  resume(job: Job, userName: string): void {
    if (isParent(job)) {
      const children = this.#childrenIn(job, ["SUSPENDED"], "resumed");
      this.#checkRoom(children.length);
      for (const child of children) this.resume(child, userName);
      return;
    }
    this.#checkRoom(1);
    this.#enqueue(this.#options.lifecycle.resume(job, userName));
  }

  /** Gives a job another priority, by which it gets its turn when it waits for one; and its children with it. */
  prioritise(job: Job, priority: number): void {
    for (const child of isParent(job) ? this.#options.jobs.listChildren(job.id) : []) {
      if (child.state !== "DONE") this.prioritise(child, priority);
    }
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
      this.#families.noteEnd(id);
    }
  }

  /** What a job that could begin waits for; undefined when it doesn't wait, or only for its time. */
  obstacleOf(id: number): Obstacle | undefined {
    const job = this.#waiting.get(id);
    if (job === undefined || job.dueAtMs > this.#options.clock.nowMs()) return undefined;
    return findObstacle(job, [...this.#running.values()], this.#bounds());
  }

  /** Starts what can start now. */
  wake(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    const nowMs = this.#options.clock.nowMs();
    for (const job of selectJobs([...this.#waiting.values()], [...this.#running.values()], {
      nowMs,
      ...this.#bounds(),
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
      this.#families.noteEnd(id);
    }
    this.#waiting.clear();
    // A parent waits no longer for what rests; what runs ends before it.
    for (const { id } of jobs.listOpen()) if (!this.#running.has(id)) this.#families.noteEnd(id);
    const running = [...this.#running.values()];
    for (const { aborter } of running) aborter.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #bounds() {
    const { maxJobsOf, maxJobs = limits.maxRunningJobs } = this.#options;
    return { maxJobsOf, maxJobs };
  }

  /** @throws PrimaryError `wrong_job_state` when there is none */
  #childrenIn(parent: Job, states: readonly JobState[], what: string): Job[] {
    const children = this.#options.jobs.listChildren(parent.id).filter(({ state }) => states.includes(state));
    if (children.length > 0) return children;
    throw new PrimaryError(
      "wrong_job_state",
      `no child of job ${parent.id} can be ${what}; look at them first`,
    );
  }

  #checkRoom(wanted: number): void {
    if (this.#closing.signal.aborted) {
      throw new PrimaryError("stopping", "the primary is stopping: try again when it is up");
    }
    // A parent that has not begun will have its children wait.
    const taken = [...this.#waiting.values()].reduce((sum, { jobs }) => sum + jobs, 0);
    if (taken + wanted > limits.maxQueuedJobs) {
      throw new PrimaryError(
        "queue_full",
        `${taken} jobs are waiting, and ${limits.maxQueuedJobs} may: try again later`,
      );
    }
  }

  #enqueue(job: Job): void {
    this.#waiting.set(job.id, waitingJob(job));
    // Later, so that whoever asked for the job knows its number before it starts.
    setImmediate(() => this.wake());
  }

  /** @param begun the job as it is, when it has begun before the start of the primary */
  #begin(job: QueuedJob, begun?: Job): void {
    this.#waiting.delete(job.id);
    const aborter = new AbortController();
    const ended = this.#run(job.id, aborter.signal, begun)
      .catch((error: unknown) => this.#options.log.error({ err: error, jobId: job.id }, "job.lost"))
      .finally(() => {
        this.#running.delete(job.id);
        this.wake();
      });
    this.#running.set(job.id, { ...job, aborter, ended });
  }

  async #run(id: number, signal: AbortSignal, begun: Job | undefined): Promise<void> {
    const { jobs } = this.#options;
    const run = new JobRun({ ...this.#options, closing: this.#closing.signal }, id, signal);
    const work: RunWork = (job, context) => this.#work(job, context);
    const requeued = await (begun === undefined ? run.run(work) : run.continue(begun, work));
    if (requeued !== undefined && !this.#closing.signal.aborted) this.#waiting.set(id, waitingJob(requeued));
    const state = jobs.find(id)?.state;
    // While the primary ends, a parent waits no longer for what has come to rest.
    if (state === "DONE" || this.#closing.signal.aborted) this.#families.noteEnd(id);
  }

  #work(job: Job, context: JobWorkContext): Promise<JobOutcome | undefined> {
    if (isParent(job)) return this.#families.run(job, context);
    return this.#options.work[job.type](job, {
      ...context,
      onProgress: (progress) => {
        context.onProgress(progress);
        this.#families.noteProgress(job);
      },
    });
  }
}

function waitingJob(job: Job): QueuedJob {
  return {
    id: job.id,
    priority: job.priority,
    dueAtMs: job.dueAtMs ?? 0,
    policyName: job.policyName,
    jobLimit: job.jobLimit,
    storageUnit: isParent(job) ? undefined : job.storageUnit,
    jobs: jobsOf(job),
  };
}
