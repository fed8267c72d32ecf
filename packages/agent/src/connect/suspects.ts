import type { Clock } from "@sallyport/nbwss";

/** How long an endpoint is not failed back to after that has come to nothing, ms: first, doubled each time up to the longest. */
const firstHoldOffMs = 60_000;
const longestHoldOffMs = 3_600_000;

/** The endpoints of a group that have disappointed, so that it does not swing between two. */
export class Suspects {
  readonly #clock: Clock;
  readonly #heldOff = new Map<string, { untilMs: number; waitMs: number }>();
  #silent: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A fail-back to it failed, or its connection was short. */
  add(hostName: string): void {
    const before = this.#heldOff.get(hostName)?.waitMs;
    const waitMs = before === undefined ? firstHoldOffMs : Math.min(longestHoldOffMs, before * 2);
    this.#heldOff.set(hostName, { untilMs: this.#clock.monotonicMs() + waitMs, waitMs });
  }

  /** Whether it is not to be failed back to at this moment. */
  has(hostName: string): boolean {
    const found = this.#heldOff.get(hostName);
    return found !== undefined && this.#clock.monotonicMs() < found.untilMs;
  }

  /** Its connection ended without a word: the others are tried before it, once. */
  wentSilent(hostName: string): void {
    this.#silent = hostName;
  }

  takeSilent(): string | undefined {
    const silent = this.#silent;
    this.#silent = undefined;
    return silent;
  }

  /** Forgets all. */
  clear(): void {
    this.#heldOff.clear();
    this.#silent = undefined;
  }
}
