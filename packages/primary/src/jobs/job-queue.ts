import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { JobLifecycle, JobOutcome } from "./job-lifecycle.ts";
import type { JobStore } from "./job-store.ts";
import type { Job, JobProgress, JobType, NewJob } from "./job.ts";

/** What a job's work may use while it runs. */
export interface JobWorkContext {
  /** Aborted when the job is cancelled or the primary closes. */
  signal: AbortSignal;
  onProgress: (progress: JobProgress) => void;
  onProcess: (pid: number) => void;
}

/** What a kind of job does. Anything that it throws ends the job. */
export type JobWork = (job: Job, context: JobWorkContext) => Promise<JobOutcome>;

/** What the queue works on. */
export interface JobQueueOptions {
  jobs: JobStore;
  lifecycle: JobLifecycle;
  work: Readonly<Record<JobType, JobWork>>;
  clock: Clock;
  log: Logger;
}

interface RunningJob {
  aborter: AbortController;
  ended: Promise<void>;
}

/** Runs jobs, at most `maxConcurrentJobs` at once (there is one storage unit), in order of arrival. */
export class JobQueue implements AsyncDisposable {
  readonly #options: JobQueueOptions;
  readonly #waiting: number[] = [];
  readonly #running = new Map<number, RunningJob>();
  readonly #closing = new AbortController();

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /**
   * Makes a job, which starts when it is its turn.
   * @throws PrimaryError `queue_full`, `stopping`
   */
  submit(job: NewJob): Job {
    if (this.#closing.signal.aborted) {
      throw new PrimaryError("stopping", "the primary is stopping: try again when it is up");
    }
    if (this.#waiting.length >= limits.maxQueuedJobs) {
      throw new PrimaryError(
        "queue_full",
        `${limits.maxQueuedJobs} jobs are waiting already: try again later`,
      );
    }
    const made = this.#options.jobs.insert(job, this.#options.clock.nowMs());
    this.#waiting.push(made.id);
    // Later, so that whoever asked for the job knows its number before it starts.
    setImmediate(() => this.#startNext());
    return made;
  }

  /**
   * Cancels a job.
   * @throws PrimaryError `not_cancellable` when it is DONE
   */
  cancel(job: Job, userName: string): void {
    this.#options.lifecycle.cancel(job, userName);
    const place = this.#waiting.indexOf(job.id);
    if (place !== -1) this.#waiting.splice(place, 1);
    this.#running.get(job.id)?.aborter.abort();
  }

  /** Stops every job, which ends with status 50, and waits for that. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const id of this.#waiting.splice(0)) {
      this.#options.lifecycle.interrupt(
        this.#options.jobs.get(id),
        "the primary was stopped before the job started",
      );
    }
    const running = [...this.#running.values()];
    for (const { aborter } of running) aborter.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #startNext(): void {
    while (this.#running.size < limits.maxConcurrentJobs) {
      const id = this.#waiting.shift();
      if (id === undefined) return;
      const aborter = new AbortController();
      const ended = this.#run(id, aborter.signal)
        .catch((error: unknown) => this.#options.log.error({ err: error, jobId: id }, "job.lost"))
        .finally(() => {
          this.#running.delete(id);
          this.#startNext();
        });
      this.#running.set(id, { aborter, ended });
    }
  }

  async #run(id: number, signal: AbortSignal): Promise<void> {
    const { jobs, lifecycle } = this.#options;
    // A full disk may refuse the start: then nothing has happened, and it is tried again like the end.
    const job = await this.#persist(id, () => lifecycle.start(jobs.get(id)));
    if (job === undefined) return;
    const outcome = await this.#work(job, signal);
    await this.#persist(id, () => {
      const stopped =
        this.#closing.signal.aborted && outcome.status === 150 && jobs.get(id).state !== "CANCELLING";
      if (stopped) lifecycle.interrupt(job, "the primary was stopped during the job");
      else lifecycle.finish(job, outcome);
    });
  }

  async #work(job: Job, signal: AbortSignal): Promise<JobOutcome> {
    const { work, log } = this.#options;
    const context = { signal, ...this.#reporters(job.id) };
    try {
      return await work[job.type](job, context);
    } catch (error) {
      // The job's work failed as a whole: that is its outcome.
      if (!signal.aborted) log.error({ err: error, jobId: job.id }, "job.failed");
      const message = error instanceof Error ? error.message : String(error);
      return {
        status: signal.aborted ? 150 : statusOf(error, job.type),
        log: [{ severity: "ERROR", message }],
      };
    }
  }

  #reporters(id: number): Pick<JobWorkContext, "onProgress" | "onProcess"> {
    const { jobs, clock, log } = this.#options;
    let writtenAtMs = -Infinity;
    const attempt = (write: () => void) => {
      try {
        write();
      } catch (error) {
        // Progress is for looking at: a full disk must not end a job through it.
        log.warn({ err: error, jobId: id }, "job.progress_not_written");
      }
    };
    return {
      onProgress: (progress) => {
        const nowMs = clock.nowMs();
        if (progress.percentComplete < 100 && nowMs - writtenAtMs < limits.progressIntervalMs) return;
        writtenAtMs = nowMs;
        attempt(() => jobs.setProgress(id, progress, nowMs));
        log.debug({ jobId: id, percentComplete: progress.percentComplete }, "job.progress");
      },
      onProcess: (pid) => {
        attempt(() => jobs.setProcess(id, pid));
        log.debug({ jobId: id, pid }, "restic.started");
      },
    };
  }

  async #persist<T>(id: number, write: () => T): Promise<T | undefined> {
    for (;;) {
      try {
        return write();
      } catch (error) {
        // Most likely the disk of the database is full. When the primary ends first, its next start ends the job.
        this.#options.log.error({ err: error, jobId: id }, "job.not_written");
        if (this.#closing.signal.aborted) return undefined;
        await delay(limits.finishRetryMs, undefined, { signal: this.#closing.signal }).catch(() => {});
      }
    }
  }
}

function statusOf(error: unknown, type: JobType): number {
  if (error instanceof PrimaryError && (error.netbackupCode === 2106 || error.code === "storage_unusable")) {
    return /no space left on device/i.test(error.message) ? 129 : 2106;
  }
  return type === "BACKUP" ? 6 : 5;
}
