import type { Clock, Timer } from "./clock.ts";

/** How often it beats, and how much silence it takes. */
export interface HeartbeatPace {
  intervalMs: number;
  /** Pings that may go unanswered; one more and the peer counts as dead. */
  maxMissed: number;
}

/** What a heartbeat needs to know and to do; it knows nothing of sockets. */
export interface HeartbeatOptions {
  clock: Clock;
  pace: HeartbeatPace;
  ping(): void;
  dead(): void;
}

/**
 * Pings at a fixed pace, whether or not the last ping was answered, and reports a peer that has gone silent
 * (NBWSS, keep-alive).
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #pace: HeartbeatPace;
  #missed = 0;
  #timer: Timer | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#pace = options.pace;
  }

  /** Beats at another pace from now on. */
  setPace(pace: HeartbeatPace): void {
    this.#pace = pace;
    if (this.#timer !== undefined) this.start();
  }

  /** Starts over; a heartbeat that beats already is stopped first. */
  start(): void {
    this.stop();
    this.#missed = 0;
    this.#arm();
  }

  /** Anything that came from the peer shows that it lives. */
  alive(): void {
    this.#missed = 0;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#options.clock.after(this.#pace.intervalMs, () => {
      if (this.#missed >= this.#pace.maxMissed) {
        this.stop();
        this.#options.dead();
        return;
      }
      this.#missed += 1;
      this.#arm();
      this.#options.ping();
    });
  }
}
