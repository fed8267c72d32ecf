import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { findProcesses, identifyProcess, readCommand, type ProcessIdentity } from "./process-identity.ts";

const pollMs = 20;

/** The restic processes that were started and not yet seen to end, so that a killed primary finds its own again. */
export class RunningProcesses {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records a process that has just been started; `command` is how its command line begins. */
  add(pid: number, command: string): void {
    const identity = identifyProcess(pid);
    if (identity === undefined) return;
    this.#database
      .prepare("INSERT OR REPLACE INTO restic_processes VALUES (?, ?, ?)")
      .run(pid, identity.startTime, command);
  }

  remove(pid: number): void {
    this.#database.prepare("DELETE FROM restic_processes WHERE pid = ?").run(pid);
  }

  /**
   * Kills what a former primary left running, and waits until each is gone: what was recorded, and every restic that
   * works for this data folder, since a kill may have come between its start and its record.
   */
  async killAll(log: Logger, dataDir: string): Promise<void> {
    const rows = this.#database.prepare("SELECT pid, start_time, command FROM restic_processes").all() as {
      pid: number;
      start_time: string;
      command: string;
    }[];
    const recorded = rows
      .map(({ pid, start_time: startTime, command }) => ({ pid, startTime, command }))
      .filter((row) => isRunning(row) && readCommand(row.pid).includes(row.command));
    const unrecorded = findProcesses(`RESTIC_CACHE_DIR=${join(resolve(dataDir), "storage")}/`);
    for (const identity of [...recorded, ...unrecorded]) {
      if (!isRunning(identity)) continue;
      log.warn({ pid: identity.pid }, "restic.killed_orphan");
      process.kill(identity.pid, "SIGKILL");
      while (isRunning(identity)) await delay(pollMs);
    }
    for (const { pid } of rows) this.remove(pid);
  }
}

function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return identifyProcess(pid)?.startTime === startTime;
}
