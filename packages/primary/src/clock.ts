/** The present moment, so that tests can move it. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };
