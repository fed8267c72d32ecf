import type { Clock } from "@sallyport/nbwss";
import type { SavedEndpoint } from "../endpoints/store.ts";
import { chooseStep, preferredTo, type Candidate, type FailBack } from "./choice.ts";
import { Pause } from "./pause.ts";

/** What a watch over the preferred endpoints needs. */
export interface FailBackWatchOptions {
  /** The group's activated endpoints at this moment. */
  endpoints(): SavedEndpoint[];
  failBack(): FailBack;
  /** No command runs on the connection, and nothing waits for an acknowledgement. */
  isIdle(): boolean;
  /** The host that the group is connected to. */
  connectedTo: string;
  /** Not to be failed back to for now. */
  isSuspect(hostName: string): boolean;
  /** Looks whether an endpoint can be reached and shows its certificate, without a token; rejects when not. */
  reach(endpoint: SavedEndpoint): Promise<unknown>;
  clock: Clock;
  /** How often the preferred endpoints are looked at, ms. */
  periodMs(): number;
  /** In [0, 1). */
  random(): number;
}

/** How often it is looked whether a group has become idle, ms. */
const idleCheckMs = 1_000;

/** While a group is connected to another endpoint than the preferred one: watches for the moment to fail back (NBWSS, connection rules, ours). */
export class FailBackWatch {
  readonly #options: FailBackWatchOptions;
  readonly #pause: Pause;
  readonly #reachableSinceMs = new Map<string, number>();
  #isStopped = false;
  #nextLookAtMs = 0;

  constructor(options: FailBackWatchOptions) {
    this.#options = options;
    this.#pause = new Pause(options.clock);
  }

  /** Waits for the moment to fail back. @returns the endpoint to move to; undefined when the watch was stopped */
  async next(): Promise<SavedEndpoint | undefined> {
    const options = this.#options;
    const { connectedTo, clock } = options;
    while (!this.#isStopped) {
      const isWatching =
        options.failBack().mode !== "never" && preferredTo(this.#candidates(), connectedTo).length > 0;
      if (!isWatching) {
        await this.#pause.wait();
        continue;
      }
      if (clock.monotonicMs() >= this.#nextLookAtMs) await this.#look();
      if (this.#isStopped) return undefined;
      const candidates = this.#candidates();
      const step = chooseStep({
        candidates,
        connectedTo,
        isIdle: options.isIdle(),
        failBack: options.failBack(),
      });
      if (step.kind === "move") return options.endpoints().find(({ hostName }) => hostName === step.to);
      const untilLookMs = Math.max(0, this.#nextLookAtMs - clock.monotonicMs());
      const waitsForIdle = options.failBack().mode === "when-idle" && this.#reachableSinceMs.size > 0;
      await this.#pause.wait(waitsForIdle ? Math.min(idleCheckMs, untilLookMs) : untilLookMs);
    }
    return undefined;
  }

  /** The endpoints or the rule have changed: looks again at once. */
  poke(): void {
    this.#nextLookAtMs = 0;
    this.#pause.wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#pause.wake();
  }

  #candidates(): Candidate[] {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#options.endpoints().map(({ hostName, priority }) => {
      const sinceMs = this.#reachableSinceMs.get(hostName);
      const reachableForMs = sinceMs === undefined ? undefined : nowMs - sinceMs;
      return { hostName, priority, reachableForMs, suspect: this.#options.isSuspect(hostName) };
    });
  }

  async #look(): Promise<void> {
    const options = this.#options;
    const { connectedTo, clock } = options;
    // Jitter, so that a thousand primaries do not look at a hub that comes back in the same moment.
    this.#nextLookAtMs = clock.monotonicMs() + options.periodMs() * (0.5 + options.random() / 2);
    const preferred = new Set(preferredTo(this.#candidates(), connectedTo).map(({ hostName }) => hostName));
    for (const hostName of this.#reachableSinceMs.keys()) {
      if (!preferred.has(hostName)) this.#reachableSinceMs.delete(hostName);
    }
    const targets = options.endpoints().filter(({ hostName }) => preferred.has(hostName));
    await Promise.all(
      targets.map(async (endpoint) => {
        try {
          await options.reach(endpoint);
          if (!this.#reachableSinceMs.has(endpoint.hostName)) {
            this.#reachableSinceMs.set(endpoint.hostName, clock.monotonicMs());
          }
        } catch {
          // It can't be reached: nothing to say until it can, the connection that there is goes on.
          this.#reachableSinceMs.delete(endpoint.hostName);
        }
      }),
    );
  }
}
