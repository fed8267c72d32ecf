import type { Database } from "@sallyport/durable";
import { NbwssError, type Clock, type HeartbeatPace, type Probe } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { z } from "zod";
import { checkInput } from "../endpoints/details.ts";
import type { SavedEndpoint } from "../endpoints/store.ts";
import { AgentError } from "../errors.ts";
import { IdleFindings, type IdleFinding } from "./finding.ts";
import { pingPace } from "./pace.ts";
import { IdleSearches, type IdleProgress } from "./searches.ts";
import { IdleWatch, type IdleWatchLimits } from "./watch.ts";

/** What is known of the idle timers on the way to endpoints is made of. */
export interface IdleTimersOptions {
  database: Database;
  /** All endpoints that are saved. */
  endpoints: () => SavedEndpoint[];
  isConnected: (hostName: string) => boolean;
  /** Opens a probe of an endpoint, as it is dialled. */
  open: (endpoint: SavedEndpoint, signal: AbortSignal | undefined) => Promise<Probe>;
  /** The pace that is set, at this moment. */
  setPace: () => HeartbeatPace;
  /** The pace of an endpoint may be another from now on. */
  paceChanged: () => void;
  limits: IdleWatchLimits & { livenessTimeoutMs: number; maxIdleLimitMs: number };
  clock: Clock;
  log: Logger;
  /** In [0, 1). */
  random: () => number;
}

/** What is known of the way to one endpoint. */
export interface IdleStatus {
  hostName: string;
  /** Pause between two pings, ms: as it is set, or less where a silence of that length is cut. */
  pingIntervalMs: number;
  finding: IdleFinding | undefined;
  /** The search that goes on, or what the last one of this process came to. */
  progress: IdleProgress | undefined;
}

const searchInput = z.object({ limitMs: z.int().min(100) });
/** Below this the background does not stop looking, ms: a timer of a minute is the commonest. */
const leastBackgroundMs = 60_000;

/**
 * The idle timers of what lies between the agent and its endpoints: found out rarely in the background, or when an administrator asks, kept,
 * and pinged below.
 */
export class IdleTimers implements AsyncDisposable {
  readonly #options: IdleTimersOptions;
  readonly #findings: IdleFindings;
  readonly #searches: IdleSearches<SavedEndpoint>;
  #watch: IdleWatch<SavedEndpoint> | undefined;

  constructor(options: IdleTimersOptions) {
    const { database, clock, log, limits } = options;
    this.#options = options;
    this.#findings = new IdleFindings(database);
    this.#searches = new IdleSearches({
      open: (endpoint, signal) => options.open(endpoint, signal),
      findings: this.#findings,
      found: () => options.paceChanged(),
      patienceMs: limits.livenessTimeoutMs,
      clock,
      log,
    });
  }

  /** Begins to look in the background. */
  start(): void {
    const { endpoints, isConnected, clock, random, limits } = this.#options;
    this.#watch ??= new IdleWatch({
      connected: () => endpoints().filter(({ hostName }) => isConnected(hostName)),
      findingOf: (endpoint) => this.#findings.of(endpoint),
      search: (endpoint) => this.#searches.search(endpoint, this.#backgroundLimitMs()),
      clock,
      random,
      limits,
    });
  }

  /** How often the connection to an endpoint pings. */
  paceOf(endpoint: SavedEndpoint): HeartbeatPace {
    return pingPace(this.#options.setPace(), this.#findings.of(endpoint));
  }

  /** What is known, by endpoint. */
  list(): IdleStatus[] {
    return this.#options.endpoints().map((endpoint) => ({
      hostName: endpoint.hostName,
      pingIntervalMs: this.paceOf(endpoint).intervalMs,
      finding: this.#findings.of(endpoint),
      progress: this.#searches.progressOf(endpoint.hostName),
    }));
  }

  /** Whether a search goes on. */
  get isSearching(): boolean {
    return this.#options.endpoints().some(({ hostName }) => this.#searches.isSearching(hostName));
  }

  /**
   * Begins a search up to `limitMs` at each endpoint that is activated; one that goes on already is left to its end.
   * @throws AgentError `invalid_details`
   */
  search(body: unknown): void {
    const { limitMs } = checkInput(searchInput, body, "request");
    const { maxIdleLimitMs } = this.#options.limits;
    if (limitMs > maxIdleLimitMs) {
      const attributeErrors = { limitMs: `has to be at most ${maxIdleLimitMs}` };
      throw new AgentError("invalid_details", "request: wrong or missing: limitMs", { attributeErrors });
    }
    for (const endpoint of this.#options.endpoints()) {
      if (endpoint.state === "ACTIVATED") void this.#searches.search(endpoint, limitMs);
    }
  }

  /**
   * Shows an endpoint the token, beside the connection that there may be.
   * @throws NbwssError as `Probe.open` does: `token_refused`, `probe_unsupported`, …
   */
  async tryToken(hostName: string): Promise<void> {
    const endpoint = this.#options.endpoints().find((saved) => saved.hostName === hostName);
    if (endpoint === undefined) throw new AgentError("endpoint_unknown", `there is no endpoint ${hostName}`);
    try {
      using _probe = await this.#options.open(endpoint, undefined);
    } catch (error) {
      // The verdict is there; only there is no room for more.
      if (!(error instanceof NbwssError && error.code === "busy")) throw error;
    }
  }

  /** The endpoints were changed. */
  reconcile(): void {
    this.#searches.keepOnly(this.#options.endpoints().map(({ hostName }) => hostName));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    await this.#searches[Symbol.asyncDispose]();
  }

  /** Beyond twice its own pace there is nothing to be gained for the pings. */
  #backgroundLimitMs(): number {
    const wanted = Math.max(leastBackgroundMs, 2 * this.#options.setPace().intervalMs);
    return Math.min(wanted, this.#options.limits.maxIdleLimitMs);
  }
}
