import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import type { Clock } from "../clock.ts";
import { imageNotification, jobNotification, type NotificationJournal } from "../journal/notification.ts";
import { describeStatus } from "../status-codes.ts";
import { nextJobState } from "./job-state.ts";
import type { JobStore } from "./job-store.ts";
import type { Job, JobLogLine, LogSeverity } from "./job.ts";

/** How a job's work ended. */
export interface JobOutcome {
  status: number;
  /** The image that a backup made. */
  image?: CatalogueImage;
  log?: readonly Omit<JobLogLine, "atMs">[];
}

/** What the lifecycle works on. */
export interface JobLifecycleOptions {
  database: Database;
  jobs: JobStore;
  catalogue: Catalogue;
  journal: NotificationJournal;
  clock: Clock;
  log: Logger;
}

/**
 * Moves jobs through their states. Each move is one transaction with everything that belongs to it: the job, its
 * log, its image and the notifications of them.
 */
export class JobLifecycle {
  readonly #options: JobLifecycleOptions;

  constructor(options: JobLifecycleOptions) {
    this.#options = options;
  }

  /** QUEUED → ACTIVE. A backup gets its backup id here, so that its image bears the time at which it began. */
  start(job: Job): Job {
    const { database, jobs, journal, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const started = database.transaction(() => {
      const backupId = job.type === "BACKUP" ? this.#newBackupId(job.clientName, nowMs) : null;
      jobs.setState(job.id, { state: nextJobState(job.state, "start"), status: 0, nowMs });
      jobs.setStarted(job.id, nowMs, backupId);
      jobs.appendLog(job.id, [
        { atMs: nowMs, severity: "INFO", message: `${job.type.toLowerCase()} started` },
      ]);
      const active = jobs.get(job.id);
      journal.append([jobNotification(active)]);
      return active;
    });
    journal.flush?.();
    log.info({ jobId: job.id, jobType: job.type, policyName: job.policyName }, "job.started");
    return started;
  }

  /** Records that somebody wants the job to end: a QUEUED one is DONE with 150 at once, an ACTIVE one is CANCELLING. */
  cancel(job: Job, userName: string): Job {
    const { database, jobs, clock } = this.#options;
    const nowMs = clock.nowMs();
    const line = { atMs: nowMs, severity: "WARNING" as const, message: `cancel requested by ${userName}` };
    const next = nextJobState(job.state, "cancel");
    if (next === "DONE") return this.#end(job, { status: 150, log: [line] }, "cancel");
    database.transaction(() => {
      jobs.setState(job.id, { state: next, status: 0, nowMs });
      if (job.state !== next) jobs.appendLog(job.id, [line]);
    });
    return jobs.get(job.id);
  }

  /** ACTIVE or CANCELLING → DONE, with the image when there is one. */
  finish(job: Job, outcome: JobOutcome): Job {
    return this.#end(job, outcome, "finish");
  }

  /** Any state → DONE with 50: the primary ended under the job. */
  interrupt(job: Job, message: string): Job {
    return this.#end(job, { status: 50, log: [{ severity: "ERROR", message }] }, "interrupt");
  }

  #end(job: Job, outcome: JobOutcome, event: "finish" | "cancel" | "interrupt"): Job {
    const { database, jobs, catalogue, journal, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const { status, image } = outcome;
    const ended = database.transaction(() => {
      const current = jobs.get(job.id);
      jobs.setState(job.id, { state: nextJobState(current.state, event), status, nowMs });
      jobs.setEnded(job.id, nowMs, status <= 1 ? 100 : current.percentComplete);
      jobs.appendLog(job.id, endLines(outcome, nowMs));
      if (image !== undefined) catalogue.insert(image);
      const done = jobs.get(job.id);
      journal.append([
        ...(image === undefined ? [] : [imageNotification(image, "CREATE")]),
        jobNotification(done),
      ]);
      return done;
    });
    journal.flush?.();
    log.info({ jobId: job.id, status, backupId: image?.backupId }, "job.done");
    return ended;
  }

  /** Two backups of a client within a second get consecutive seconds. */
  #newBackupId(clientName: string, nowMs: number): string {
    const { jobs, catalogue } = this.#options;
    let seconds = Math.floor(nowMs / 1000);
    const idAt = (at: number) => `${clientName}_${at}`;
    while (jobs.hasBackupId(idAt(seconds)) || catalogue.has(idAt(seconds))) seconds += 1;
    return idAt(seconds);
  }
}

function endLines(outcome: JobOutcome, nowMs: number): JobLogLine[] {
  const { text, action } = describeStatus(outcome.status);
  const severity: LogSeverity = outcome.status === 0 ? "INFO" : outcome.status === 1 ? "WARNING" : "ERROR";
  const advice = outcome.status === 0 ? "" : ` Recommended action: ${action}`;
  return [
    ...(outcome.log ?? []).map((line) => ({ ...line, atMs: nowMs })),
    { atMs: nowMs, severity, message: `status ${outcome.status}: ${text}.${advice}` },
  ];
}
