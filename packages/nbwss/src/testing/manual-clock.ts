import type { Clock, Timer } from "../clock.ts";

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  /** How far the clock was set, beyond the time that has passed. */
  #steppedMs = 0;
  readonly #timers = new Map<Timer, { atMs: number; run: () => void }>();

  constructor(nowMs = Date.parse("2026-11-24T00:00:00Z")) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#steppedMs;
  }

  after(ms: number, run: () => void): Timer {
    const timer: Timer = { cancel: () => this.#timers.delete(timer) };
    this.#timers.set(timer, { atMs: this.#nowMs + ms, run });
    return timer;
  }

  /** Timers that have neither fired nor been called off. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Moves time on and fires what falls due, in order; a timer armed meanwhile may fire too. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { atMs }]) => atMs <= untilMs);
      const next = due.sort(([, a], [, b]) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      const [timer, { atMs, run }] = next;
      this.#timers.delete(timer);
      this.#nowMs = atMs;
      run();
    }
    this.#nowMs = untilMs;
  }

  /** Sets the clock, forward or back, as an administrator does or a machine that slept: timers run as long as they would have. */
  step(ms: number): void {
    this.#nowMs += ms;
    this.#steppedMs += ms;
    for (const timer of this.#timers.values()) timer.atMs += ms;
  }
}
