import { limits } from "../limits.ts";

interface Failures {
  sinceMs: number;
  count: number;
}

/** Counts failed logins by user and address, so that passwords can't be tried out. */
export class LoginThrottle {
  readonly #failures = new Map<string, Failures>();

  /** How long a key has to wait before its next try, in ms; 0: not at all. */
  waitMs(key: string, nowMs: number): number {
    const found = this.#failures.get(key);
    if (found === undefined || found.count < limits.maxFailedLogins) return 0;
    return Math.max(0, found.sinceMs + limits.failedLoginWindowMs - nowMs);
  }

  /** Counts a failure. Tries at the same time are bounded by how many passwords may be checked at once. */
  count(key: string, nowMs: number): void {
    const found = this.#failures.get(key);
    const isOver = found === undefined || nowMs - found.sinceMs >= limits.failedLoginWindowMs;
    this.#failures.delete(key);
    this.#failures.set(key, isOver ? { sinceMs: nowMs, count: 1 } : { ...found, count: found.count + 1 });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > limits.maxFailedLoginKeys && oldest !== undefined)
      this.#failures.delete(oldest);
  }

  /** Forgets the failures of a key that has logged in. */
  succeed(key: string): void {
    this.#failures.delete(key);
  }
}
