import type { Clock, Timer } from "./clock.ts";

/** What a heartbeat needs to know and to do; it knows nothing of sockets. */
export interface HeartbeatOptions {
  clock: Clock;
  intervalMs: number;
  /** Pings that may go unanswered; one more and the peer counts as dead. */
  maxMissed: number;
  ping(): void;
  dead(): void;
}

/**
 * Pings at a fixed pace, whether or not the last ping was answered, and reports a peer that has gone silent
 * (NBWSS, keep-alive).
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #missed = 0;
  #timer: Timer | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
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
    this.#timer = this.#options.clock.after(this.#options.intervalMs, () => {
      if (this.#missed >= this.#options.maxMissed) {
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
