import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import type { Clock } from "../clock.ts";
import { imageNotification, jobNotification, type NotificationJournal } from "../journal/notification.ts";
import { describeStatus } from "../status-codes.ts";
import { nextJobState, type JobEvent } from "./job-state.ts";
import { isParent } from "./job-family.ts";
import type { JobStore } from "./job-store.ts";
import type { Job, JobLogLine, JobProgress, LogSeverity } from "./job.ts";

/** What holds of a restore that the primary's end has cut short, since it moves what is whole. */
const halfRestored =
  "files that it had put into place before stay there, each of them whole; the others are as they were. Restore again to have them all";

/** How a job's work ended. */
export interface JobOutcome {
  status: number;
  /** The image that a backup made. */
  image?: CatalogueImage;
  /** How far it came, when that is not what was last told of it. */
  progress?: JobProgress;
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

  /** QUEUED or REQUEUED → ACTIVE. A backup gets its backup id here, so that its image bears the time at which it began. */
  start(job: Job): Job {
    const { database, jobs, journal, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const started = database.transaction(() => {
      // A further try makes the same image; a parent makes none.
      const makesImage = job.type === "BACKUP" && !isParent(job);
      const backupId = job.backupId ?? (makesImage ? this.#newBackupId(job.clientName, nowMs) : null);
      jobs.setState(job.id, { state: nextJobState(job.state, "start"), status: 0, nowMs });
      jobs.setStarted(job.id, nowMs, backupId);
      const again = job.tries === 0 ? "" : ` again, try ${job.tries + 1}`;
      jobs.log.append(job.id, [
        { atMs: nowMs, severity: "INFO", message: `${job.type.toLowerCase()} started${again}` },
      ]);
      const active = jobs.get(job.id);
      journal.append([jobNotification(active)]);
      return active;
    });
    journal.flush?.();
    log.info({ jobId: job.id, jobType: job.type, policyName: job.policyName }, "job.started");
    return started;
  }

  /** Records that somebody wants the job to end: one that waits is DONE with 150 at once, an ACTIVE one is CANCELLING. */
  cancel(job: Job, userName: string): Job {
    const line = { severity: "WARNING" as const, message: `cancel requested by ${userName}` };
    if (nextJobState(job.state, "cancel") === "DONE")
      return this.#end(job, { status: 150, log: [line] }, "cancel");
    return this.#move(job, "cancel", line);
  }

  /** QUEUED or REQUEUED → DONE with 196: its start window closed before it was its turn. */
  miss(job: Job): Job {
    const message = "the start window closed before it was the job's turn";
    return this.#end(job, { status: 196, log: [{ severity: "ERROR", message }] }, "cancel");
  }

  /** Records that somebody wants the job to pause: one that waits is SUSPENDED at once, an ACTIVE one is SUSPENDING. */
  suspend(job: Job, userName: string): Job {
    return this.#move(job, "suspend", { severity: "INFO", message: `suspend requested by ${userName}` });
  }

  /** SUSPENDING → SUSPENDED. */
  stop(job: Job): Job {
    return this.#endTry(job, { event: "stop", status: 150, message: "suspended", dueAtMs: null });
  }

  /** SUSPENDED → QUEUED. */
  resume(job: Job, userName: string): Job {
    return this.#move(job, "resume", { severity: "INFO", message: `resume requested by ${userName}` });
  }

  /** ACTIVE → REQUEUED: a try failed, and the next begins when it is due. */
  retry(job: Job, outcome: JobOutcome, dueAtMs: number): Job {
    const { status, log = [] } = outcome;
    const message = `status ${status}: ${describeStatus(status).text}. The next try begins at ${new Date(dueAtMs).toISOString()}`;
    return this.#endTry(job, { event: "retry", status, message, dueAtMs, log });
  }

  /** ACTIVE or CANCELLING → DONE, with the image when there is one. */
  finish(job: Job, outcome: JobOutcome): Job {
    return this.#end(job, outcome, "finish");
  }

  /** Any state that does not rest → DONE with 50: the primary ended under the job. */
  interrupt(job: Job, message: string): Job {
    const lines = job.type === "RESTORE" ? [message, halfRestored] : [message];
    const log = lines.map((text) => ({ severity: "ERROR" as const, message: text }));
    return this.#end(job, { status: 50, log }, "interrupt");
  }

  #move(job: Job, event: JobEvent, line: Omit<JobLogLine, "atMs">): Job {
    const { database, jobs, clock } = this.#options;
    const nowMs = clock.nowMs();
    const next = nextJobState(job.state, event);
    database.transaction(() => {
      jobs.setState(job.id, { state: next, status: 0, nowMs });
      if (job.state !== next) jobs.log.append(job.id, [{ ...line, atMs: nowMs }]);
    });
    return jobs.get(job.id);
  }

  #endTry(job: Job, end: TryEnd): Job {
    const { database, jobs, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const lines = [...(end.log ?? []), { severity: "WARNING" as const, message: end.message }];
    database.transaction(() => {
      const { state } = jobs.get(job.id);
      jobs.log.endTry(job.id, end.status, nowMs);
      jobs.setState(job.id, { state: nextJobState(state, end.event), status: 0, nowMs });
      jobs.setDue(job.id, end.dueAtMs);
      jobs.log.append(
        job.id,
        lines.map((line) => ({ ...line, atMs: nowMs })),
      );
    });
    log.info({ jobId: job.id, status: end.status, dueAtMs: end.dueAtMs }, "job.paused");
    return jobs.get(job.id);
  }

  #end(job: Job, outcome: JobOutcome, event: "finish" | "cancel" | "interrupt"): Job {
    const { database, jobs, catalogue, journal, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const { status, image } = outcome;
    const ended = database.transaction(() => {
      const current = jobs.get(job.id);
      if (outcome.progress !== undefined) jobs.setProgress(job.id, outcome.progress, nowMs);
      jobs.setState(job.id, { state: nextJobState(current.state, event), status, nowMs });
      jobs.setEnded(job.id, nowMs, status <= 1 ? 100 : current.percentComplete);
      jobs.log.endTry(job.id, status, nowMs);
      jobs.log.append(job.id, endLines(outcome, nowMs));
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

/** How a try ends that is not the job's end. */
interface TryEnd {
  event: JobEvent;
  status: number;
  message: string;
  dueAtMs: number | null;
  log?: NonNullable<JobOutcome["log"]>;
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
