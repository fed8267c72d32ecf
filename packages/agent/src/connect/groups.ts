import { closeStatusOf, NbwssError, type Clock, type ServiceConnection } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { EndpointStore, SavedEndpoint } from "../endpoints/store.ts";
import { AgentError } from "../errors.ts";
import type { AgentLimits } from "../limits.ts";
import { ClockJumps } from "./clock-jumps.ts";
import { GroupConnector, type DialTerms } from "./group.ts";

/** What keeps the server groups connected. */
export interface GroupsOptions {
  store: EndpointStore;
  dial(endpoint: SavedEndpoint, terms: DialTerms): Promise<ServiceConnection>;
  serve(endpoint: SavedEndpoint, connection: ServiceConnection): Promise<void>;
  /** Looks whether an endpoint can be reached, without a token. */
  reach(endpoint: SavedEndpoint): Promise<unknown>;
  /** Whether a group has acknowledged every notification. */
  isAcknowledged(groupId: string): boolean;
  /** The longest wait between two tries, ms, at this moment. */
  connectPeriodMs(): number;
  clock: Clock;
  log: Logger;
  limits: AgentLimits;
  /** In [0, 1). */
  random(): number;
}

/** A server group as its administrator sees it. */
export interface GroupStatus {
  groupId: string;
  /** Undefined while it is not connected. */
  connectedTo: string | undefined;
  /** What the endpoint calls the connection. */
  trackingId: string | undefined;
  executing: number;
  silentMs: number | undefined;
  /** Messages and frames of a later version of the extension that were ignored on this connection. */
  ignored: number;
}

/** All server groups of an NBWSS service, each kept connected for itself (NBWSS, connection rules). */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #connectors = new Map<string, GroupConnector>();
  readonly #failures = new Map<string, string>();
  readonly #jumps: ClockJumps;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.#jumps = new ClockJumps(options.clock, (ms) => void this.#onJump(ms));
  }

  /** Brings the connections in line with the endpoints that are activated, at once. */
  reconcile(): void {
    const endpoints = this.#options.store.list();
    for (const group of this.#connectors.values()) group.poke();
    for (const { groupId } of endpoints.filter(isActive)) {
      if (!this.#connectors.has(groupId)) this.#connectors.set(groupId, this.#connectorOf(groupId));
    }
    for (const hostName of this.#failures.keys()) {
      if (!endpoints.some((endpoint) => endpoint.hostName === hostName)) this.#failures.delete(hostName);
    }
  }

  /**
   * Tries at once where there is no connection, and looks whether those that there are live.
   * @param force also leaves those that there are, and begins with the preferred endpoints
   */
  async reconnect(force: boolean, groupId?: string): Promise<void> {
    this.#options.log.info({ groupId, force }, "groups.reconnecting");
    for (const [id, group] of this.#connectors) {
      if (groupId === undefined || id === groupId) group.reconnect(force);
    }
    if (!force) await this.#checkLiveness();
  }

  isConnected(hostName: string): boolean {
    return [...this.#connectors.values()].some((group) => group.connectedHost === hostName);
  }

  /** Why the last dial of an endpoint failed; undefined when it did not. */
  failureOf(hostName: string): string | undefined {
    return this.#failures.get(hostName);
  }

  /** The connection to an endpoint; undefined while there is none. */
  connectionOf(hostName: string): ServiceConnection | undefined {
    return [...this.#connectors.values()].find((group) => group.connectedHost === hostName)?.connection;
  }

  /** The connections that there are. */
  connections(): ServiceConnection[] {
    return [...this.#connectors.values()].flatMap(({ connection }) => connection ?? []);
  }

  status(): GroupStatus[] {
    return [...this.#connectors].map(([groupId, { connectedHost, connection }]) => ({
      groupId,
      connectedTo: connectedHost,
      trackingId: connection?.trackingId,
      executing: connection?.executing ?? 0,
      ignored: connection?.ignored ?? 0,
      silentMs: connection === undefined ? undefined : Math.round(connection.silentMs),
    }));
  }

  async close(): Promise<void> {
    this.#jumps[Symbol.dispose]();
    await Promise.all([...this.#connectors.values()].map((group) => group.stop()));
  }

  #connectorOf(groupId: string): GroupConnector {
    const { store, limits, clock, log } = this.#options;
    return new GroupConnector({
      groupId,
      endpoints: () => store.list().filter((saved) => saved.groupId === groupId && isActive(saved)),
      dial: (endpoint, terms) => this.#options.dial(endpoint, terms),
      serve: (endpoint, connection) => this.#options.serve(endpoint, connection),
      ended: ({ hostName }, info) => store.setCloseStatus(hostName, closeStatusOf(info.code)),
      dialled: (endpoint, failure) => this.#dialled(endpoint, failure),
      failBack: () => store.failBackOf(groupId),
      isAcknowledged: () => this.#options.isAcknowledged(groupId),
      reach: (endpoint) => this.#options.reach(endpoint),
      clock,
      log,
      backoff: () => ({
        baseMs: limits.backoffBaseMs,
        maxMs: this.#options.connectPeriodMs(),
        random: () => this.#options.random(),
      }),
      stableAfterMs: limits.stableAfterMs,
    });
  }

  #dialled({ hostName }: SavedEndpoint, failure: unknown): void {
    if (failure === undefined) {
      this.#failures.delete(hostName);
      return;
    }
    this.#failures.set(hostName, (failure as Error).message);
    const closeCode = closeCodeOf(failure);
    if (closeCode !== undefined) this.#options.store.setCloseStatus(hostName, closeStatusOf(closeCode));
  }

  async #onJump(ms: number): Promise<void> {
    this.#options.log.warn({ ms }, "clock.jumped");
    for (const group of this.#connectors.values()) if (group.connection === undefined) group.reconnect(false);
    await this.#checkLiveness();
  }

  async #checkLiveness(): Promise<void> {
    const { livenessTimeoutMs } = this.#options.limits;
    await Promise.all(
      this.connections().map(async (connection) => {
        if (await connection.probe(livenessTimeoutMs)) return;
        connection.cut(`no sign of life within ${livenessTimeoutMs} ms when it was asked for`);
      }),
    );
  }
}

function isActive(endpoint: SavedEndpoint): boolean {
  return endpoint.state === "ACTIVATED";
}

/** The close code that tells of a failed dial what NetBackup has a name for; undefined where it has none. */
function closeCodeOf(failure: unknown): number | undefined {
  if (!(failure instanceof NbwssError)) return undefined;
  if (failure.code === "token_refused") return 1008;
  const { cause } = failure;
  if (cause instanceof AgentError && cause.code === "certificate_changed") return 1015;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? "";
  const isOfTls = /^(CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code);
  return isOfTls ? 1015 : undefined;
}
