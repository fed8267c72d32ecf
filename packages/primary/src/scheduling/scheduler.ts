import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { backupJob } from "../backup/backup-job.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import type { Clock } from "../clock.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import { limits } from "../limits.ts";
import type { PolicyStore } from "../policies/policy-store.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import { systemLocalTime } from "./calendar.ts";
import { dueBackups, type ScheduleHistory } from "./due-backups.ts";

/** What the scheduler works on. */
export interface SchedulerOptions {
  database: Database;
  policies: PolicyStore;
  queue: JobQueue;
  units: StorageUnits;
  clients: Pick<ClientFile, "find">;
  clock: Clock;
  log: Logger;
}

/** Starts the backups that are due, looking every `schedulerTickMs`. What is due is decided in `due-backups.ts`. */
export class Scheduler implements Disposable {
  readonly #options: SchedulerOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Begins to look, at once and then every `schedulerTickMs`. */
  start(): void {
    this.#timer = setInterval(() => this.tick(), limits.schedulerTickMs);
    this.#timer.unref();
    this.tick();
  }

  /** Looks now; answers how many backups were started. */
  tick(): number {
    const { queue, clock, log, policies, units, clients } = this.#options;
    let started = 0;
    try {
      queue.dropMissed();
      const due = dueBackups(
        {
          policies: policies.list({ limit: limits.maxPolicies, offset: 0 }).map(({ policy }) => policy),
          isBusy: (policyName, clientName) => this.#isBusy(policyName, clientName),
          historyOf: (...names) => this.#historyOf(...names),
        },
        { nowMs: clock.nowMs(), local: systemLocalTime, holdAfterFailureMs: limits.scheduleHoldMs },
      );
      for (const { policy, schedule, clientName, windowEndMs } of due) {
        const job = backupJob(policy, schedule, clientName, { units, clients });
        queue.submit({
          ...job,
          owner: "root",
          subType: "SCHEDULED",
          maxTries: limits.scheduledTries,
          windowEndMs,
        });
        started += 1;
      }
      queue.wake();
    } catch (error) {
      // The queue or the disk is full: what is still due is found again by the next tick.
      log.error({ err: error, started }, "scheduler.failed");
    }
    if (started > 0) log.info({ started }, "scheduler.started_backups");
    return started;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #isBusy(policyName: string, clientName: string): boolean {
    const row = this.#options.database
      .prepare(
        "SELECT 1 FROM jobs WHERE state <> 'DONE' AND policy_name = ? AND client_name = ? AND type = 'BACKUP' LIMIT 1",
      )
      .get(policyName, clientName);
    return row !== undefined;
  }

  /** Jobs may have been deleted, so the catalogue is asked as well. */
  #historyOf(policyName: string, clientName: string, scheduleName: string): ScheduleHistory {
    const { database } = this.#options;
    const names = [policyName, clientName, scheduleName];
    const ofSchedule = "policy_name = ? AND client_name = ? AND schedule_name = ?";
    const last = (where: string) =>
      database
        .prepare(
          `SELECT started_at_ms, ended_at_ms, status FROM jobs WHERE ${ofSchedule} AND type = 'BACKUP' AND parent_id = 0 AND state = 'DONE' AND ${where} ORDER BY id DESC LIMIT 1`,
        )
        .get(...names);
    const image = database
      .prepare(`SELECT max(backup_time_s) AS s FROM images WHERE ${ofSchedule}`)
      .get(...names);
    const times = [
      last("status <= 1")?.["started_at_ms"],
      image?.["s"] == null ? null : Number(image["s"]) * 1000,
    ]
      .filter((time) => time != null)
      .map(Number);
    // One that the end of the primary interrupted is tried again at once.
    const newest = last("status <> 50");
    const hasFailed = newest !== undefined && Number(newest["status"]) > 1;
    return {
      lastSuccessMs: times.length === 0 ? undefined : Math.max(...times),
      lastFailureMs: hasFailed ? Number(newest["ended_at_ms"]) : undefined,
    };
  }
}
