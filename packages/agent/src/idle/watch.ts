import type { Clock, Timer } from "@sallyport/nbwss";
import type { IdleFinding } from "./finding.ts";
import type { IdleProgress } from "./searches.ts";

/** When endpoints are probed without being asked to. */
export interface IdleWatchLimits {
  /** How long an endpoint is connected before it is probed for the first time, ms. */
  idleFirstMs: number;
  /** Up to so much later, by lot, so that a fleet does not probe at the same moment; ms. */
  idleSpreadMs: number;
  /** From one finding to the next look, ms: the way may have changed. */
  idleAgainMs: number;
  /** The same after a look that failed, ms. */
  idleRetryMs: number;
}

/** What the watch needs. */
export interface IdleWatchOptions<E extends { hostName: string }> {
  /** The endpoints that are connected at this moment. */
  connected: () => E[];
  findingOf: (endpoint: E) => IdleFinding | undefined;
  search: (endpoint: E) => Promise<IdleProgress>;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  limits: IdleWatchLimits;
}

/** How often it is looked which endpoints are due, ms. */
const lookEveryMs = 60_000;

/** Has each connected endpoint probed in the background, rarely, one after the other. */
export class IdleWatch<E extends { hostName: string }> implements Disposable {
  readonly #options: IdleWatchOptions<E>;
  /** When each endpoint is due, by the monotonic clock, ms. */
  readonly #dueAtMs = new Map<string, number>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: IdleWatchOptions<E>) {
    this.#options = options;
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(lookEveryMs, () => void this.#look().finally(() => this.#arm()));
  }

  async #look(): Promise<void> {
    const { connected, search, clock, limits } = this.#options;
    const endpoints = connected();
    // One that comes back later is looked at as if it were new: unless it was found out about lately.
    for (const hostName of this.#dueAtMs.keys()) {
      if (!endpoints.some((endpoint) => endpoint.hostName === hostName)) this.#dueAtMs.delete(hostName);
    }
    for (const endpoint of endpoints) {
      const dueAtMs = this.#dueOf(endpoint);
      if (dueAtMs > clock.monotonicMs()) continue;
      const { state } = await search(endpoint);
      const pauseMs = state === "failed" ? limits.idleRetryMs : limits.idleAgainMs;
      this.#dueAtMs.set(endpoint.hostName, clock.monotonicMs() + pauseMs + this.#lot());
    }
  }

  #dueOf(endpoint: E): number {
    const known = this.#dueAtMs.get(endpoint.hostName);
    if (known !== undefined) return known;
    const { clock, findingOf, limits } = this.#options;
    const finding = findingOf(endpoint);
    const ageMs = finding === undefined ? Infinity : Math.max(0, clock.now() - finding.foundAtMs);
    const waitMs = Math.max(limits.idleFirstMs, limits.idleAgainMs - ageMs);
    const dueAtMs = clock.monotonicMs() + waitMs + this.#lot();
    this.#dueAtMs.set(endpoint.hostName, dueAtMs);
    return dueAtMs;
  }

  #lot(): number {
    return this.#options.random() * this.#options.limits.idleSpreadMs;
  }
}
