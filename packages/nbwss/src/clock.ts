/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Time, passed in so that tests can move it. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Ms since some moment, never set back or forward; for how long something took or lasted. It may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** Calls `run` once after `ms`. */
  after(ms: number, run: () => void): Timer;
}

/** Thousands of connections have some each: no closure of its own, and nothing is kept of one that was called off. */
class SystemTimer implements Timer {
  #handle: NodeJS.Timeout | undefined;

  constructor(ms: number, run: () => void) {
    this.#handle = setTimeout(run, ms);
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, run) => new SystemTimer(ms, run),
};
