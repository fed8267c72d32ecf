import type { Clock, Timer } from "@sallyport/nbwss";

/** How often the clocks are compared, ms. */
const intervalMs = 5_000;
/** A smaller difference is what time servers do to a clock, ms. */
const toleranceMs = 2_000;
/** A timer that is later than this says that the process stood still, ms. */
const stillnessMs = 10_000;

/**
 * Notices that the machine slept, that the process stood still, or that somebody set the clock: connections that looked alive may be dead, and
 * waits may have become meaningless.
 */
export class ClockJumps implements Disposable {
  readonly #clock: Clock;
  readonly #jumped: (ms: number) => void;
  #timer: Timer | undefined;

  /** @param jumped told how much more time has passed by the wall clock (or in standstill) than was expected, ms; negative when the clock was set back */
  constructor(clock: Clock, jumped: (ms: number) => void) {
    this.#clock = clock;
    this.#jumped = jumped;
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    const [wallMs, monotonicMs] = [this.#clock.now(), this.#clock.monotonicMs()];
    this.#timer = this.#clock.after(intervalMs, () => {
      const passedMs = this.#clock.monotonicMs() - monotonicMs;
      const aheadMs = this.#clock.now() - wallMs - passedMs;
      const lateMs = passedMs - intervalMs;
      this.#arm();
      if (Math.abs(aheadMs) > toleranceMs) this.#jumped(Math.round(aheadMs));
      else if (lateMs > stillnessMs) this.#jumped(Math.round(lateMs));
    });
  }
}
