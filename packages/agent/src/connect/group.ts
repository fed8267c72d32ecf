import type { CloseInfo, Clock, Move, ServiceConnection } from "@sallyport/nbwss";
import { closeCodes, NbwssError } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { SavedEndpoint } from "../endpoints/store.ts";
import { backoffMs, movedMs, refusedTokenMs, type BackoffOptions } from "./backoff.ts";

/** What a group's connector needs. */
export interface GroupOptions {
  groupId: string;
  /** The group's activated endpoints at this moment, the preferred first. */
  endpoints(): SavedEndpoint[];
  dial(endpoint: SavedEndpoint, signal: AbortSignal): Promise<ServiceConnection>;
  /** Uses an established connection until it ends. */
  serve(endpoint: SavedEndpoint, connection: ServiceConnection): Promise<void>;
  /** A connection has ended. */
  ended(endpoint: SavedEndpoint, info: CloseInfo): void;
  clock: Clock;
  log: Logger;
  backoff: BackoffOptions;
  /** A connection that lasted this long resets the back-off. */
  stableAfterMs: number;
}

/** One round of tries: what came of it. */
interface Round {
  /** How long the connection stood, ms; 0 when there was none. */
  lastedMs: number;
  refused: boolean;
  /** What the endpoint asked for before the connection ended. */
  move: Move | undefined;
}

/**
 * Keeps one server group connected: at most one connection, the preferred endpoint first, the next when one can't
 * be reached; no fail-back while a connection stands (NBWSS, keep-alive and connection rules).
 */
export class GroupConnector {
  readonly #options: GroupOptions;
  readonly #stopped = new AbortController();
  #wake: (() => void) | undefined;
  /** The endpoints were changed since the last round of tries. */
  #changed = false;
  #current: { endpoint: SavedEndpoint; connection: ServiceConnection } | undefined;
  readonly #running: Promise<void>;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The host that the group is connected to; undefined while it is not. */
  get connectedHost(): string | undefined {
    return this.#current?.endpoint.hostName;
  }

  /** The endpoints have changed: closes a connection whose endpoint is gone or deactivated, tries at once where there is none. */
  poke(): void {
    this.#changed = true;
    this.#closeIfStale();
    this.#wake?.();
  }

  #closeIfStale(): void {
    const current = this.#current;
    const stillThere = this.#options
      .endpoints()
      .some(
        ({ hostName, url, token }) =>
          hostName === current?.endpoint.hostName &&
          url === current.endpoint.url &&
          token === current.endpoint.token,
      );
    if (current !== undefined && !stillThere) {
      void current.connection.close(1000, "the endpoint was deactivated or changed on the primary");
    }
  }

  /** Closes the connection and stops trying. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake?.();
    await this.#current?.connection.close(1001, "the primary is shutting down");
    await this.#running;
  }

  async #run(): Promise<void> {
    let attempt = 0;
    let windowMs: number | undefined;
    while (!this.#stopped.signal.aborted) {
      this.#changed = false;
      const { lastedMs, refused, move } = await this.#tryAll();
      if (this.#stopped.signal.aborted) return;
      if (lastedMs >= this.#options.stableAfterMs || this.#changed) [attempt, windowMs] = [0, undefined];
      if (move !== undefined) windowMs = move.windowMs;
      // It left at a moment of its own already: it dials at once.
      if (move !== undefined && lastedMs >= this.#options.stableAfterMs) continue;
      const waitMs = this.#waitMs(attempt, refused, windowMs);
      attempt += 1;
      this.#options.log.debug({ groupId: this.#options.groupId, waitMs, attempt }, "group.waiting");
      await this.#wait(waitMs);
      if (this.#changed) [attempt, windowMs] = [0, undefined];
    }
  }

  #waitMs(attempt: number, refused: boolean, windowMs: number | undefined): number {
    const { backoff } = this.#options;
    if (refused) return refusedTokenMs(backoff);
    return windowMs === undefined ? backoffMs(attempt, backoff) : movedMs(attempt, windowMs, backoff);
  }

  /** Tries each endpoint in order until one has connected, and serves that until it ends. */
  async #tryAll(): Promise<Round> {
    const { clock } = this.#options;
    let refused = false;
    for (const endpoint of this.#options.endpoints()) {
      const outcome = await this.#dial(endpoint);
      if (outcome === "refused") refused = true;
      if (typeof outcome === "string") continue;
      const sinceMs = clock.now();
      const ended = await this.#serve(endpoint, outcome);
      return { lastedMs: clock.now() - sinceMs, refused: wasSentAway(ended), move: outcome.move };
    }
    return { lastedMs: 0, refused, move: undefined };
  }

  async #dial(endpoint: SavedEndpoint): Promise<ServiceConnection | "failed" | "refused"> {
    const { groupId, log } = this.#options;
    const { hostName } = endpoint;
    try {
      return await this.#options.dial(endpoint, this.#stopped.signal);
    } catch (error) {
      if (this.#stopped.signal.aborted) return "failed";
      const refused = error instanceof NbwssError && error.code === "token_refused";
      const reason = (error as Error).message;
      const trackingId = error instanceof NbwssError ? error.trackingId : undefined;
      log.warn(
        { groupId, hostName, trackingId, reason },
        refused ? "endpoint.token_refused" : "endpoint.unreachable",
      );
      return refused ? "refused" : "failed";
    }
  }

  async #serve(endpoint: SavedEndpoint, connection: ServiceConnection): Promise<CloseInfo> {
    const { groupId, log } = this.#options;
    const { hostName } = endpoint;
    const { trackingId } = connection;
    this.#current = { endpoint, connection };
    log.info({ groupId, hostName, trackingId }, "endpoint.connected");
    // The administrator may have changed the endpoint while it was dialled.
    this.#closeIfStale();
    if (this.#stopped.signal.aborted) void connection.close(1001, "the primary is shutting down");
    await this.#options.serve(endpoint, connection);
    const info = await connection.closed;
    this.#current = undefined;
    const { code, reason } = info;
    log.info({ groupId, hostName, trackingId, code, reason }, "endpoint.disconnected");
    this.#options.ended(endpoint, info);
    return info;
  }

  /** Waits, but not when the endpoints were changed; without endpoints until they are. */
  #wait(ms: number): Promise<void> {
    if (this.#changed) return Promise.resolve();
    return new Promise((resolve) => {
      if (this.#options.endpoints().length === 0) {
        this.#wake = () => {
          this.#wake = undefined;
          resolve();
        };
        return;
      }
      const done = () => {
        timer.cancel();
        this.#wake = undefined;
        resolve();
      };
      const timer = this.#options.clock.after(ms, done);
      this.#wake = done;
    });
  }
}

/** Whether a connection ended because somebody else uses its token: to come back soon would only be a fight. */
function wasSentAway({ code }: CloseInfo): boolean {
  return code === closeCodes.tokenInUse;
}
