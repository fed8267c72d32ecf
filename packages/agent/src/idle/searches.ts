import { NbwssError, type Clock, type Probe } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { IdleFinding, IdleFindings, ProbedEndpoint } from "./finding.ts";
import {
  beginSearch,
  isComplete,
  nextSilence,
  noteSilence,
  type IdleRules,
  type IdleSearch,
} from "./search.ts";

/** What searches need. `E`: what an endpoint is to whoever opens a probe. */
export interface IdleSearchesOptions<E extends ProbedEndpoint> {
  /** Opens a probe of an endpoint. */
  open: (endpoint: E, signal: AbortSignal) => Promise<Probe>;
  findings: IdleFindings;
  /** A search has found something, and it is kept. */
  found: (endpoint: E, finding: IdleFinding) => void;
  /** How much longer than the silence an answer is waited for, ms. */
  patienceMs: number;
  clock: Clock;
  log: Logger;
}

/** How the search of one endpoint stands. */
export type IdleProgress =
  | { state: "searching"; silenceMs: number; survivedMs: number; cutMs: number | undefined; spentMs: number }
  | { state: "found"; finding: IdleFinding }
  /** `unsupported`: an endpoint of NBWSS 1.0 alone. `failed`: it may succeed another time. */
  | { state: "unsupported" | "failed"; reason: string };

/** A probe that the endpoint ends, again and again, is given up. */
const maxEnded = 3;

/** Where a search up to `limitMs` begins, and how long it may be silent altogether. */
export function rulesFor(limitMs: number): IdleRules {
  return {
    startMs: Math.max(1, Math.min(30_000, Math.floor(limitMs / 4))),
    limitMs,
    budgetMs: limitMs * 2.5,
  };
}

/**
 * Finds out how long the connections to endpoints may be silent: at most one search of an endpoint at a time, each on probes of its own
 * beside the connection of the group.
 */
export class IdleSearches<E extends ProbedEndpoint> implements AsyncDisposable {
  readonly #options: IdleSearchesOptions<E>;
  readonly #stopped = new AbortController();
  readonly #running = new Map<string, Promise<IdleProgress>>();
  readonly #progress = new Map<string, IdleProgress>();

  constructor(options: IdleSearchesOptions<E>) {
    this.#options = options;
  }

  /** How the search of an endpoint stands, or what the last one of this process came to; undefined when there was none. */
  progressOf(hostName: string): IdleProgress | undefined {
    return this.#progress.get(hostName);
  }

  /** Whether a search of an endpoint goes on. */
  isSearching(hostName: string): boolean {
    return this.#running.has(hostName);
  }

  /** Searches up to `limitMs`; where a search goes on already, its end is waited for. Never rejects. */
  search(endpoint: E, limitMs: number): Promise<IdleProgress> {
    const { hostName } = endpoint;
    const running = this.#running.get(hostName);
    if (running !== undefined) return running;
    const searching = this.#search(endpoint, limitMs).finally(() => this.#running.delete(hostName));
    this.#running.set(hostName, searching);
    return searching;
  }

  /** Forgets what is known of endpoints that are gone. */
  keepOnly(hostNames: readonly string[]): void {
    for (const hostName of this.#progress.keys()) {
      if (!hostNames.includes(hostName)) this.#progress.delete(hostName);
    }
    this.#options.findings.keepOnly(hostNames);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#running.values());
  }

  async #search(endpoint: E, limitMs: number): Promise<IdleProgress> {
    const { findings, found, clock, log } = this.#options;
    const { hostName } = endpoint;
    let progress: IdleProgress;
    try {
      const search = await this.#run(endpoint, rulesFor(limitMs));
      const { survivedMs, cutMs, rules } = search;
      const finding = {
        survivedMs,
        cutMs,
        limitMs: rules.limitMs,
        isComplete: isComplete(search),
        foundAtMs: clock.now(),
      };
      findings.set(endpoint, finding);
      log.info({ hostName, ...finding }, "idle.found");
      progress = { state: "found", finding };
      this.#progress.set(hostName, progress);
      found(endpoint, finding);
    } catch (error) {
      const reason = (error as Error).message;
      const isUnsupported = error instanceof NbwssError && error.code === "probe_unsupported";
      progress = { state: isUnsupported ? "unsupported" : "failed", reason };
      this.#progress.set(hostName, progress);
      if (!this.#stopped.signal.aborted) log.info({ hostName, reason }, "idle.not_found");
    }
    return progress;
  }

  /** Asks until there is nothing more to ask; what was cut is opened anew. @throws NbwssError */
  async #run(endpoint: E, wanted: IdleRules): Promise<IdleSearch> {
    const { open, clock, patienceMs } = this.#options;
    const { signal } = this.#stopped;
    let search = beginSearch(wanted);
    let ended = 0;
    for (;;) {
      using probe = await open(endpoint, signal);
      if (search.rules.limitMs > probe.maxSilenceMs) {
        search = { ...search, rules: { ...search.rules, limitMs: probe.maxSilenceMs } };
      }
      let isGood = true;
      while (isGood) {
        const silenceMs = nextSilence(search);
        if (silenceMs === undefined) return search;
        const { survivedMs, cutMs, spentMs } = search;
        this.#progress.set(endpoint.hostName, { state: "searching", silenceMs, survivedMs, cutMs, spentMs });
        const outcome = await probe.ask(silenceMs, { clock, patienceMs, signal });
        isGood = outcome.kind === "answered";
        if (outcome.kind === "ended") {
          ended += 1;
          if (ended >= maxEnded)
            throw new NbwssError("dial_failed", `the endpoint ended the probe: ${outcome.reason}`);
        } else {
          const afterMs = outcome.kind === "cut" ? outcome.afterMs : silenceMs;
          search = noteSilence(search, silenceMs, isGood ? { isCut: false } : { isCut: true, afterMs });
        }
      }
    }
  }
}
