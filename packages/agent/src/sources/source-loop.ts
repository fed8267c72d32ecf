import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { Pause } from "../connect/pause.ts";
import { SourceError } from "./source-error.ts";

/** What is read again and again. */
export interface SourceLoopOptions {
  name: string;
  /** One reading. */
  poll: (signal: AbortSignal) => Promise<void>;
  /** How long to wait after a reading that succeeded, ms. */
  everyMs: () => number;
  maxBackoffMs: number;
  clock: Clock;
  log: Logger;
  /** In [0, 1). */
  random: () => number;
}

/** How a source does. */
export interface SourceStatus {
  name: string;
  isReading: boolean;
  /** Readings that succeeded, and that failed. */
  readings: number;
  failures: number;
  /** When the last reading succeeded, epoch ms; undefined before. */
  succeededAtMs: number | undefined;
  /** Why the last reading failed; undefined when it did not. */
  failure: string | undefined;
}

/** The first wait after a failure, ms. */
const firstBackoffMs = 1_000;

/**
 * How long to wait after a reading failed: from its common pace on twice as long each time, and a random half less, so that agents that
 * lost the same server do not come back together; never less than the server asked for.
 */
export function backoffAfter(
  failures: number,
  wait: { everyMs: number; maxMs: number; retryAfterMs: number; random: number },
): number {
  const ceiling = Math.min(
    wait.maxMs,
    Math.max(firstBackoffMs, wait.everyMs) * 2 ** Math.min(failures - 1, 30),
  );
  return Math.max(wait.retryAfterMs, Math.floor(ceiling * (1 - wait.random / 2)));
}

/** Reads one source at its pace, slower while that fails. */
export class SourceLoop {
  readonly #options: SourceLoopOptions;
  readonly #pause: Pause;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #inARow = 0;
  #status: SourceStatus;

  constructor(options: SourceLoopOptions) {
    this.#options = options;
    this.#pause = new Pause(options.clock);
    this.#status = {
      name: options.name,
      isReading: false,
      readings: 0,
      failures: 0,
      succeededAtMs: undefined,
      failure: undefined,
    };
  }

  get status(): SourceStatus {
    return { ...this.#status };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Reads now instead of after the wait. */
  wake(): void {
    this.#pause.wake();
  }

  /** Ends the reading that there is and all to come. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#pause.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const waitMs = await this.#once(signal);
      if (signal.aborted) return;
      await this.#pause.wait(waitMs);
    }
  }

  /** @returns how long to wait, ms */
  async #once(signal: AbortSignal): Promise<number> {
    const { name, poll, everyMs, clock, log } = this.#options;
    this.#status.isReading = true;
    try {
      await poll(signal);
      if (this.#inARow > 0) log.info({ source: name, failures: this.#inARow }, "poll.recovered");
      this.#inARow = 0;
      this.#status.readings += 1;
      this.#status.succeededAtMs = clock.now();
      this.#status.failure = undefined;
      return everyMs();
    } catch (error) {
      return signal.aborted ? 0 : this.#failed(error as Error);
    } finally {
      this.#status.isReading = false;
    }
  }

  #failed(error: Error): number {
    const { name, everyMs, maxBackoffMs: maxMs, log, random } = this.#options;
    this.#inARow += 1;
    this.#status.failures += 1;
    this.#status.failure = error.message;
    const retryAfterMs = error instanceof SourceError ? error.retryAfterMs : 0;
    const wait = { everyMs: everyMs(), maxMs, retryAfterMs, random: random() };
    const waitMs = backoffAfter(this.#inARow, wait);
    // What is no SourceError is the disk or a bug: its stack helps.
    const reason = error instanceof SourceError ? { reason: error.message } : { err: error };
    log.warn({ source: name, failures: this.#inARow, waitMs, ...reason }, "poll.failed");
    return waitMs;
  }
}
