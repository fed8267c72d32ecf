import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { isParent } from "./job-family.ts";
import type { JobLifecycle, JobOutcome } from "./job-lifecycle.ts";
import type { JobStore } from "./job-store.ts";
import type { Job, JobProgress, JobType } from "./job.ts";

/** What a job's work may use while it runs. */
export interface JobWorkContext {
  /** Aborted when the job is cancelled or suspended, or the primary closes. */
  signal: AbortSignal;
  onProgress: (progress: JobProgress) => void;
  onProcess: (pid: number) => void;
}

/** What a kind of job does. Anything that it throws ends the job. */
export type JobWork = (job: Job, context: JobWorkContext) => Promise<JobOutcome>;

/** The work of a run; without an outcome it is not over, and goes on after the next start of the primary. */
export type RunWork = (job: Job, context: JobWorkContext) => Promise<JobOutcome | undefined>;

/** What a run works on. */
export interface JobRunOptions {
  jobs: JobStore;
  lifecycle: JobLifecycle;
  clock: Clock;
  log: Logger;
  /** Aborted when the primary closes. */
  closing: AbortSignal;
}

/** Failures that another try does not mend: somebody ended the job, or there is nothing to back up. */
const finalStatuses: ReadonlySet<number> = new Set([50, 71, 150]);

/** What a storage unit that can't be used ends a job with. */
const storageCodes: ReadonlySet<number> = new Set([129, 213, 2074, 2106]);

/** One try of a job, from its start to its end or to the wait for the next. */
export class JobRun {
  readonly #options: JobRunOptions;
  readonly #id: number;
  readonly #signal: AbortSignal;

  constructor(options: JobRunOptions, id: number, signal: AbortSignal) {
    this.#options = options;
    this.#id = id;
    this.#signal = signal;
  }

  /** Runs the try; answers the job when it has to wait for the next. */
  async run(work: RunWork): Promise<Job | undefined> {
    const { jobs, lifecycle } = this.#options;
    // A full disk may refuse the start: then nothing has happened, and it is tried again like the end.
    const job = await this.#persist(() => lifecycle.start(jobs.get(this.#id)));
    return job === undefined ? undefined : this.continue(job, work);
  }

  /** Goes on with the try that a job is in; answers the job when it has to wait for the next. */
  async continue(job: Job, work: RunWork): Promise<Job | undefined> {
    const outcome = await this.#work(job, work);
    if (outcome === undefined) return undefined;
    const ended = await this.#persist(() => this.#end(job, outcome));
    return ended?.state === "REQUEUED" ? ended : undefined;
  }

  #end(job: Job, outcome: JobOutcome): Job {
    const { jobs, lifecycle, clock, closing } = this.#options;
    const { state } = jobs.get(job.id);
    const wasStopped = outcome.status === 150;
    if (state === "SUSPENDING" && wasStopped) return lifecycle.stop(job);
    if (closing.aborted && wasStopped && state !== "CANCELLING") {
      return lifecycle.interrupt(job, "the primary was stopped during the job");
    }
    // One that has its image has done its work, whatever its end command says.
    const hasFailed = outcome.status > 1 && outcome.image === undefined && !finalStatuses.has(outcome.status);
    // The tries of a parent are its children's.
    if (hasFailed && state === "ACTIVE" && job.tries < job.maxTries && !isParent(job)) {
      return lifecycle.retry(job, outcome, clock.nowMs() + limits.jobRetryDelayMs);
    }
    return lifecycle.finish(job, outcome);
  }

  async #work(job: Job, work: RunWork): Promise<JobOutcome | undefined> {
    const { log } = this.#options;
    const signal = this.#signal;
    try {
      return await work(job, { signal, ...this.#reporters() });
    } catch (error) {
      const wasStopped = signal.aborted || this.#options.closing.aborted;
      // The job's work failed as a whole: that is its outcome.
      if (!wasStopped) log.error({ err: error, jobId: job.id }, "job.failed");
      const message = error instanceof Error ? error.message : String(error);
      return {
        status: wasStopped ? 150 : statusOfError(error, job.type),
        log: [{ severity: "ERROR", message }],
      };
    }
  }

  #reporters(): Pick<JobWorkContext, "onProgress" | "onProcess"> {
    const { jobs, clock, log } = this.#options;
    const id = this.#id;
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

  async #persist<T>(write: () => T): Promise<T | undefined> {
    const { log, closing } = this.#options;
    for (;;) {
      try {
        return write();
      } catch (error) {
        // Most likely the disk of the database is full. When the primary ends first, its next start ends the job.
        log.error({ err: error, jobId: this.#id }, "job.not_written");
        if (closing.aborted) return undefined;
        await delay(limits.finishRetryMs, undefined, { signal: closing }).catch(() => {});
      }
    }
  }
}

/** The status of a job whose work has thrown. */
export function statusOfError(error: unknown, type: JobType): number {
  if (error instanceof PrimaryError && storageCodes.has(error.netbackupCode)) return error.netbackupCode;
  if (type === "VERIFY") return 191;
  return type === "BACKUP" ? 6 : 5;
}
