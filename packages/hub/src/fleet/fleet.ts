import { Worker } from "node:worker_threads";
import { openDatabaseForReading, type Database } from "@sallyport/durable";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { HubLimits } from "../config/limits.ts";
import type { EventLog, StoredEvent } from "../log/log.ts";
import type { View } from "../views/views.ts";
import type { FleetWork, FromFleetWorker, ToFleetWorker } from "./fleet-messages.ts";
import { concernsFleet, makeFleetViews, type FleetViews } from "./fleet-views.ts";

/** What the fleet's views need. */
export interface FleetOptions {
  /** The file of the views; made anew from the log when it is missing. */
  path: string;
  /** The log and its file: the worker reads it there. */
  log: Pick<EventLog, "subscribe" | "lastPosition">;
  logPath: string;
  limits: Pick<HubLimits, "viewRetryMs" | "viewGatherMs" | "viewWaitMs">;
  clock: Clock;
  logger: Logger;
  /** The worker's module; for tests of its failure. */
  workerFile?: URL;
}

interface Waiter {
  position: number;
  resolve: () => void;
}

/**
 * The jobs, images and backups of all primaries. They are folded in a thread of its own, which writes their file; here it is only read.
 * What was committed to the log is shown some milliseconds later, or when `shown` has resolved.
 */
export class Fleet implements AsyncDisposable {
  readonly views: FleetViews = makeFleetViews();
  readonly #options: FleetOptions;
  readonly #waiters = new Set<Waiter>();
  #worker: Worker | undefined;
  #database: Database | undefined;
  #unsubscribe: (() => void) | undefined;
  /** The newest position that is on the disk, and the newest that is shown. */
  #durable: number;
  #position = 0;
  #isCurrent = false;
  /** The worker was told something that it has not answered yet. */
  #isAsked = false;
  #gathering: Timer | undefined;
  #restart: Timer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: FleetOptions, durable: number) {
    this.#options = options;
    this.#durable = durable;
  }

  /**
   * Opens the views; resolves when they show all that is in the log.
   * @throws Error when the file can't be made
   */
  static async open(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options, await options.log.lastPosition());
    fleet.#unsubscribe = options.log.subscribe((events) => fleet.#onCommit(events));
    try {
      await fleet.#start();
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** The newest event that is shown. */
  get position(): number {
    return this.#position;
  }

  /** Whether notifications are being folded; not while the disk is full, say. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Resolves when all that is in the log by now is shown; at the latest after `viewWaitMs`, or at once when it can't be. */
  async shown(): Promise<void> {
    if (this.#position >= this.#durable || !this.#isCurrent) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = { position: this.#durable, resolve };
    this.#waiters.add(waiter);
    this.#ask();
    const timer = this.#options.clock.after(this.#options.limits.viewWaitMs, resolve);
    await promise;
    timer.cancel();
    this.#waiters.delete(waiter);
  }

  /** Closes the files; calling it again returns the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#unsubscribe?.();
    this.#gathering?.cancel();
    this.#restart?.cancel();
    this.#letGo();
    const worker = this.#worker;
    if (worker !== undefined) {
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage({ type: "close" } satisfies ToFleetWorker);
      await ended;
    }
    this.#database?.close();
  }

  /** Starts the worker; resolves when the tables are there. */
  #start(): Promise<void> {
    const { path, logPath, limits, workerFile } = this.#options;
    const work: FleetWork = { path, logPath, retryMs: limits.viewRetryMs, durable: this.#durable };
    const worker = new Worker(workerFile ?? new URL("fleet-worker.ts", import.meta.url), {
      workerData: work,
      // What the hub was started with, a debugger say, is the hub's.
      execArgv: [],
    });
    this.#worker = worker;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.on("message", (message: FromFleetWorker) => {
      if (message.type === "log") this.#options.logger[message.level](message.fields, message.event);
      else {
        if (message.type === "ready") this.#attach();
        this.#reach(message.position, message.type === "ready" || message.isCurrent);
        resolve();
      }
    });
    worker.on("error", (err) => {
      this.#options.logger.error({ err }, "fleet.failed");
      reject(err);
    });
    worker.on("exit", (code) => {
      this.#worker = undefined;
      reject(new Error(`the thread of the fleet's views ended with ${code}`));
    });
    // Once it has begun, its end is not the starter's affair.
    promise.then(
      () => worker.once("exit", (code) => this.#ended(code)),
      () => undefined,
    );
    return promise;
  }

  /** The thread has ended though nobody told it to: another one goes on where the file is. */
  #ended(code: number): void {
    if (this.#closing !== undefined) return;
    this.#options.logger.error({ code }, "fleet.ended");
    this.#isCurrent = false;
    this.#isAsked = false;
    this.#letGo();
    this.#restart = this.#options.clock.after(
      this.#options.limits.viewRetryMs,
      () => void this.#startAgain(),
    );
  }

  /** Never rejects: what fails is tried again later. */
  async #startAgain(): Promise<void> {
    try {
      await this.#start();
      this.#options.logger.info({ position: this.#position }, "fleet.restarted");
    } catch (err) {
      this.#options.logger.error({ err }, "fleet.not_restarted");
      this.#ended(-1);
    }
  }

  /** The worker may have made the file anew: what was open is another file then. */
  #attach(): void {
    this.#database?.close();
    this.#database = openDatabaseForReading(this.#options.path);
    for (const view of Object.values<View>({ ...this.views })) view.attach(this.#database);
  }

  #onCommit(events: readonly StoredEvent[]): void {
    const wasShown = this.#position >= this.#durable;
    this.#durable = events.at(-1)?.position ?? this.#durable;
    if (wasShown && !events.some(({ type }) => concernsFleet(type))) {
      // Nothing to fold: the worker passes over it when it is asked the next time.
      this.#position = this.#durable;
      return;
    }
    this.#gather();
  }

  #gather(): void {
    if (this.#isAsked) return;
    const { clock, limits } = this.#options;
    this.#gathering ??= clock.after(limits.viewGatherMs, () => this.#ask());
  }

  #ask(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    if (this.#isAsked || this.#worker === undefined) return;
    this.#isAsked = true;
    this.#worker.postMessage({ type: "fold", durable: this.#durable } satisfies ToFleetWorker);
  }

  #reach(position: number, isCurrent: boolean): void {
    this.#isAsked = false;
    this.#isCurrent = isCurrent;
    this.#position = isCurrent ? position : Math.max(position, this.#position);
    if (!isCurrent) this.#letGo();
    for (const waiter of this.#waiters) if (waiter.position <= position) waiter.resolve();
    if (position >= this.#durable) return;
    if (this.#waiters.size > 0 && isCurrent) this.#ask();
    else this.#gather();
  }

  /** Nobody waits for what can't come now. */
  #letGo(): void {
    for (const { resolve } of this.#waiters) resolve();
  }
}
