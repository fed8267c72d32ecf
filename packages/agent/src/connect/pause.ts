import type { Clock } from "@sallyport/nbwss";

/** A wait that can be ended before its time. */
export class Pause {
  readonly #clock: Clock;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits for `ms`, or until `wake`; without `ms` until `wake` alone. One waiter at a time. */
  wait(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : this.#clock.after(ms, () => this.wake());
      this.#wake = () => {
        timer?.cancel();
        resolve();
      };
    });
  }

  /** Ends the wait that there is. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
