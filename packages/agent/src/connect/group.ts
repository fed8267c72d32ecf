import type { CloseInfo, Clock, Move, ServiceConnection } from "@sallyport/nbwss";
import { closeCodes, NbwssError } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { SavedEndpoint } from "../endpoints/store.ts";
import { backoffMs, movedMs, refusedTokenMs, type BackoffOptions } from "./backoff.ts";
import { chooseStep, type FailBack } from "./choice.ts";
import { FailBackWatch } from "./fail-back.ts";
import { Pause } from "./pause.ts";
import { Suspects } from "./suspects.ts";

/** What a dial of a group is given. */
export interface DialTerms {
  signal: AbortSignal;
  /** Ends the connection that the new one replaces, at the moment when the new one can be reached and does not count yet. */
  beforeConnect?: (() => Promise<void>) | undefined;
}

/** What a group's connector needs. */
export interface GroupOptions {
  groupId: string;
  /** The group's activated endpoints at this moment, the preferred first. */
  endpoints(): SavedEndpoint[];
  dial(endpoint: SavedEndpoint, terms: DialTerms): Promise<ServiceConnection>;
  /** Uses an established connection until it ends. */
  serve(endpoint: SavedEndpoint, connection: ServiceConnection): Promise<void>;
  /** A connection has ended. */
  ended(endpoint: SavedEndpoint, info: CloseInfo): void;
  /** What a dial came to: why it failed; undefined when it has not. */
  dialled(endpoint: SavedEndpoint, failure: unknown): void;
  /** The group's rule at this moment. */
  failBack(): FailBack;
  /** Whether every notification is acknowledged. */
  isAcknowledged(): boolean;
  /** Looks whether an endpoint can be reached, without a token. */
  reach(endpoint: SavedEndpoint): Promise<unknown>;
  clock: Clock;
  log: Logger;
  backoff(): BackoffOptions;
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

interface Current {
  endpoint: SavedEndpoint;
  connection: ServiceConnection;
}

/**
 * Keeps one server group connected: at most one connection, the preferred endpoint first, the next when one can't
 * be reached; fail-back by the group's rule, none unless set (NBWSS, keep-alive and connection rules).
 */
export class GroupConnector {
  readonly #options: GroupOptions;
  readonly #stopped = new AbortController();
  readonly #pause: Pause;
  readonly #suspects: Suspects;
  /** The endpoints were changed since the last round of tries. */
  #changed = false;
  #current: Current | undefined;
  /** Dials under way: one, or one of a fail-back beside the connection. */
  readonly #dialling = new Map<AbortController, SavedEndpoint>();
  #watch: FailBackWatch | undefined;
  /** What a fail-back comes to, once it has ended the connection before it. */
  #handover: Promise<Current | undefined> | undefined;
  readonly #running: Promise<void>;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#pause = new Pause(options.clock);
    this.#suspects = new Suspects(options.clock);
    this.#running = this.#run();
  }

  /** The host that the group is connected to; undefined while it is not. */
  get connectedHost(): string | undefined {
    return this.#current?.endpoint.hostName;
  }

  /** The connection that the group has. */
  get connection(): ServiceConnection | undefined {
    return this.#current?.connection;
  }

  /** The endpoints have changed: ends a connection or dial whose endpoint is gone or deactivated, tries at once where there is none. */
  poke(): void {
    this.#changed = true;
    this.#closeIfStale();
    this.#watch?.poke();
    this.#pause.wake();
  }

  /** Tries at once where there is no connection. @param force also leaves the connection that there is, and begins with the preferred endpoint */
  reconnect(force: boolean): void {
    this.#suspects.clear();
    this.poke();
    if (force) void this.#current?.connection.close(1000, "the administrator asked for a new connection");
  }

  #closeIfStale(): void {
    const current = this.#current;
    if (current !== undefined && !this.#isStillThere(current.endpoint)) {
      void current.connection.close(1000, "the endpoint was deactivated or changed on the primary");
    }
    for (const [abort, endpoint] of this.#dialling) if (!this.#isStillThere(endpoint)) abort.abort();
  }

  #isStillThere(endpoint: SavedEndpoint): boolean {
    return this.#options
      .endpoints()
      .some(
        ({ hostName, url, token, certificate }) =>
          hostName === endpoint.hostName &&
          url === endpoint.url &&
          token === endpoint.token &&
          certificate === endpoint.certificate,
      );
  }

  /** Closes the connection and stops trying. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const abort of this.#dialling.keys()) abort.abort();
    this.#watch?.stop();
    this.#pause.wake();
    await this.#current?.connection.close(1001, "the primary is shutting down");
    await this.#running;
  }

  async #run(): Promise<void> {
    let attempt = 0;
    let windowMs: number | undefined;
    while (!this.#stopped.signal.aborted) {
      this.#changed = false;
      const { lastedMs, refused, move } = await this.#tryAll();
      // A fail-back has ended the connection: its successor is served, or the others are tried without a wait.
      if (this.#handover !== undefined) continue;
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
    const backoff = this.#options.backoff();
    if (refused) return refusedTokenMs(backoff);
    return windowMs === undefined ? backoffMs(attempt, backoff) : movedMs(attempt, windowMs, backoff);
  }

  /** Serves what a fail-back has brought, or tries each endpoint in order until one has connected and serves that, until it ends. */
  async #tryAll(): Promise<Round> {
    const handover = this.#handover;
    this.#handover = undefined;
    const brought = await handover;
    if (brought !== undefined) return this.#serve(brought);
    let refused = false;
    for (const endpoint of this.#order()) {
      if (!this.#isStillThere(endpoint) || this.#stopped.signal.aborted) continue;
      const outcome = await this.#dial(endpoint);
      if (outcome === "refused") refused = true;
      if (typeof outcome === "string") continue;
      return this.#serve({ endpoint, connection: outcome });
    }
    return { lastedMs: 0, refused, move: undefined };
  }

  #order(): SavedEndpoint[] {
    const endpoints = this.#options.endpoints();
    const silent = this.#suspects.takeSilent();
    const candidates = endpoints.map(({ hostName, priority }) => ({
      hostName,
      priority,
      suspect: hostName === silent,
    }));
    const failBack = { mode: "never" } as const;
    const step = chooseStep({ candidates, connectedTo: undefined, isIdle: true, failBack });
    const order = step.kind === "dial" ? step.order : [];
    return order.flatMap((hostName) => endpoints.filter((endpoint) => endpoint.hostName === hostName));
  }

  async #dial(
    endpoint: SavedEndpoint,
    beforeConnect?: () => Promise<void>,
  ): Promise<ServiceConnection | "failed" | "refused"> {
    const { groupId, log } = this.#options;
    const { hostName } = endpoint;
    const abort = new AbortController();
    this.#dialling.set(abort, endpoint);
    try {
      const connection = await this.#options.dial(endpoint, { signal: abort.signal, beforeConnect });
      this.#options.dialled(endpoint, undefined);
      return connection;
    } catch (error) {
      if (abort.signal.aborted) return "failed";
      const refused = error instanceof NbwssError && error.code === "token_refused";
      const reason = (error as Error).message;
      const trackingId = error instanceof NbwssError ? error.trackingId : undefined;
      log.warn(
        { groupId, hostName, trackingId, reason },
        refused ? "endpoint.token_refused" : "endpoint.unreachable",
      );
      this.#options.dialled(endpoint, error);
      return refused ? "refused" : "failed";
    } finally {
      this.#dialling.delete(abort);
    }
  }

  async #serve(current: Current): Promise<Round> {
    const { groupId, log, clock } = this.#options;
    const { endpoint, connection } = current;
    const { hostName } = endpoint;
    const { trackingId } = connection;
    const sinceMs = clock.monotonicMs();
    this.#current = current;
    log.info({ groupId, hostName, trackingId }, "endpoint.connected");
    // The administrator may have changed the endpoint while it was dialled.
    this.#closeIfStale();
    if (this.#stopped.signal.aborted) void connection.close(1001, "the primary is shutting down");
    const watching = this.#failBackFrom(current);
    await this.#options.serve(endpoint, connection);
    const info = await connection.closed;
    this.#current = undefined;
    this.#watch?.stop();
    this.#watch = undefined;
    const { code, reason } = info;
    log.info({ groupId, hostName, trackingId, code, reason }, "endpoint.disconnected");
    this.#options.ended(endpoint, info);
    if (code === silentCode) this.#suspects.wentSilent(hostName);
    const lastedMs = clock.monotonicMs() - sinceMs;
    if (lastedMs < this.#options.stableAfterMs) this.#suspects.add(hostName);
    // Without a connection to leave a fail-back has come too late: the endpoints are tried in their order.
    if (this.#handover === undefined) {
      for (const abort of this.#dialling.keys()) abort.abort();
      await watching;
    }
    return { lastedMs, refused: wasSentAway(info), move: connection.move };
  }

  /** Moves to a preferred endpoint when the group's rule says so: the new one is reached first, then the old one ends, then the new one counts. */
  async #failBackFrom(current: Current): Promise<void> {
    const options = this.#options;
    const { groupId, log, clock } = options;
    const isIdle = () => current.connection.executing === 0 && options.isAcknowledged();
    const watch = new FailBackWatch({
      endpoints: () => options.endpoints(),
      failBack: () => options.failBack(),
      isIdle,
      connectedTo: current.endpoint.hostName,
      isSuspect: (hostName) => this.#suspects.has(hostName),
      reach: (endpoint) => options.reach(endpoint),
      clock,
      periodMs: () => options.backoff().maxMs,
      random: () => options.backoff().random(),
    });
    this.#watch = watch;
    for (;;) {
      const target = await watch.next();
      if (target === undefined || this.#current !== current) return;
      const { promise, resolve } = Promise.withResolvers<Current | undefined>();
      let hasLeft = false;
      const outcome = await this.#dial(target, async () => {
        if (this.#current !== current) throw new Error("the connection to be left has ended by itself");
        if (options.failBack().mode === "when-idle" && !isIdle())
          throw new Error("a command has begun meanwhile");
        this.#handover = promise;
        hasLeft = true;
        log.info(
          { groupId, from: current.endpoint.hostName, hostName: target.hostName },
          "group.failing_back",
        );
        await current.connection.close(1000, "the primary moves to a preferred endpoint");
      });
      const isConnected = typeof outcome !== "string";
      if (!isConnected) this.#suspects.add(target.hostName);
      if (!isConnected && hasLeft) this.#suspects.wentSilent(target.hostName);
      resolve(isConnected ? { endpoint: target, connection: outcome } : undefined);
      if (this.#current !== current) return;
    }
  }

  /** Waits, but not when the endpoints were changed; without endpoints until they are. */
  #wait(ms: number): Promise<void> {
    if (this.#changed || this.#stopped.signal.aborted) return Promise.resolve();
    return this.#pause.wait(this.#options.endpoints().length === 0 ? undefined : ms);
  }
}

/** What a connection ends with when there was no close handshake. */
const silentCode = 1006;

/** Whether a connection ended because somebody else uses its token: to come back soon would only be a fight. */
function wasSentAway({ code }: CloseInfo): boolean {
  return code === closeCodes.tokenInUse;
}
