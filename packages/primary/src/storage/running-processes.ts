import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { identifyProcess, readCommand } from "./process-identity.ts";

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

  /** Kills what a former primary left running, and waits until each is gone. */
  async killAll(log: Logger): Promise<void> {
    const rows = this.#database.prepare("SELECT pid, start_time, command FROM restic_processes").all() as {
      pid: number;
      start_time: string;
      command: string;
    }[];
    for (const { pid, start_time: startTime, command } of rows) {
      const isOurs = () => identifyProcess(pid)?.startTime === startTime;
      if (isOurs() && readCommand(pid).includes(command)) {
        log.warn({ pid }, "restic.killed_orphan");
        process.kill(pid, "SIGKILL");
        while (isOurs()) await delay(pollMs);
      }
      this.remove(pid);
    }
  }
}
