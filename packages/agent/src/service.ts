import type { Hono } from "hono";
import type { Logger } from "pino";
import { Agent } from "undici";
import type { Database } from "@sallyport/durable";
import {
  closeStatusOf,
  dialEndpoint,
  systemClock,
  type Clock,
  type ServiceConnection,
} from "@sallyport/nbwss";
import { GroupConnector } from "./connect/group.ts";
import { EndpointAdministration } from "./endpoints/administration.ts";
import { EndpointStore, type SavedEndpoint } from "./endpoints/store.ts";
import { pinnedTls, trustedAuthorities } from "./endpoints/trust.ts";
import { defaultAgentLimits, type AgentLimits } from "./limits.ts";
import { Outbox } from "./outbox/outbox.ts";
import { sendNotifications } from "./outbox/sender.ts";
import { defaultProperties, type NbwssProperties } from "./properties.ts";
import { serviceRoutes } from "./service-routes.ts";
import { openUpstream, type OpenedUpstream, type Upstream } from "./upstream/upstream.ts";

/** What the NBWSS service is built on. */
export interface NbwssServiceOptions {
  /** Holds endpoints and outbox; the primary's own, so that a job and its notification commit together. */
  database: Database;
  log: Logger;
  /** An authority to trust beside the system's when dialling endpoints and details URLs, PEM. */
  endpointCaPem?: string | undefined;
  properties?: NbwssProperties;
  limits?: Partial<AgentLimits>;
  clock?: Clock;
  /** In [0, 1); for the jitter. */
  random?(): number;
}

/**
 * The NBWSS service of a primary: holds the endpoints, keeps each server group connected, executes commands,
 * delivers notifications. Use: construct, `start`, `close`.
 */
export class NbwssService implements AsyncDisposable {
  readonly outbox: Outbox;
  readonly administration: EndpointAdministration;
  readonly #options: NbwssServiceOptions;
  readonly #limits: AgentLimits;
  readonly #properties: NbwssProperties;
  readonly #clock: Clock;
  readonly #ca: string[];
  readonly #store: EndpointStore;
  readonly #dispatcher: Agent;
  readonly #groups = new Map<string, GroupConnector>();
  #upstream: OpenedUpstream | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: NbwssServiceOptions) {
    this.#options = options;
    this.#limits = { ...defaultAgentLimits, ...options.limits };
    this.#properties = options.properties ?? defaultProperties;
    this.#clock = options.clock ?? systemClock;
    this.#ca = trustedAuthorities(options.endpointCaPem);
    this.#dispatcher = new Agent({ connect: { ca: this.#ca, minVersion: "TLSv1.2" } });
    this.#store = new EndpointStore(options.database);
    this.outbox = new Outbox(options.database, this.#limits.maxOutboxNotifications, (gap) =>
      options.log.error(gap, "outbox.gap"),
    );
    this.administration = new EndpointAdministration({
      store: this.#store,
      ca: this.#ca,
      dispatcher: this.#dispatcher,
      limits: this.#limits,
      changed: () => this.#reconcile(),
      isConnected: (hostName) => [...this.#groups.values()].some((group) => group.connectedHost === hostName),
    });
  }

  /** What is offered on premises, to be mounted at `/netbackup` behind authentication. */
  routes(): Hono {
    return serviceRoutes({ administration: this.administration });
  }

  /** Begins to connect; commands go to `upstream`. */
  start(upstream: Upstream): void {
    this.#upstream = openUpstream(upstream, this.#limits, { clock: this.#clock, log: this.#options.log });
    this.#reconcile();
  }

  /** The upstream, as `start` opened it. */
  get upstream(): OpenedUpstream | undefined {
    return this.#upstream;
  }

  /** Closes all connections; what is not yet acknowledged stays in the outbox. Calling it again returns the same promise. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#groups.values()].map((group) => group.stop()));
      await this.#upstream?.close();
      await this.#dispatcher.destroy();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Brings groups and connections in line with the endpoints that are activated. */
  #reconcile(): void {
    if (this.#closing !== undefined) return;
    const endpoints = this.#store.list();
    this.outbox.setGroups([...new Set(endpoints.map(({ groupId }) => groupId))]);
    if (this.#upstream === undefined) return;
    for (const group of this.#groups.values()) group.poke();
    for (const { groupId } of endpoints.filter(isActive)) {
      if (!this.#groups.has(groupId)) this.#groups.set(groupId, this.#connectorOf(groupId));
    }
  }

  #connectorOf(groupId: string): GroupConnector {
    const { log } = this.#options;
    const random = () => this.#options.random?.() ?? Math.random();
    return new GroupConnector({
      groupId,
      endpoints: () => this.#store.list().filter((saved) => saved.groupId === groupId && isActive(saved)),
      dial: (endpoint, signal) => this.#dial(endpoint, signal),
      serve: (_endpoint, connection) => this.#send(groupId, connection),
      ended: ({ hostName }, info) => this.#store.setCloseStatus(hostName, closeStatusOf(info.code)),
      clock: this.#clock,
      log,
      backoff: { baseMs: this.#limits.backoffBaseMs, maxMs: this.#properties.connectPeriodMs, random },
      stableAfterMs: this.#limits.stableAfterMs,
    });
  }

  #dial(endpoint: SavedEndpoint, signal: AbortSignal): Promise<ServiceConnection> {
    const { log } = this.#options;
    const { hostName, groupId, url, token, certificate } = endpoint;
    const { pingIntervalMs, maxMissedPongs, ignoreDecoder } = this.#properties;
    const executor = this.#upstream?.commands;
    if (executor === undefined) throw new TypeError("start() goes before the first connection");
    return dialEndpoint({
      url,
      token,
      signal,
      tls: pinnedTls(this.#ca, certificate),
      clock: this.#clock,
      limits: { pingIntervalMs, maxMissedPongs, maxMessageBytes: this.#limits.maxMessageBytes },
      ignoreUndecodable: ignoreDecoder,
      execute: (command, gone) => executor.execute(command, gone),
      undecodable: (error) => log.error({ groupId, hostName, reason: error.message }, "endpoint.undecodable"),
      answerNotSent: (error) => log.error({ groupId, hostName, err: error }, "command.answer_not_sent"),
    });
  }

  #send(groupId: string, connection: ServiceConnection): Promise<void> {
    return sendNotifications({
      outbox: this.outbox,
      groupId,
      connection,
      clock: this.#clock,
      log: this.#options.log,
      sendTimeoutMs: this.#properties.sendTimeoutMs,
      resendAfterMs: this.#properties.resendAfterMs,
      maxUnacknowledged: this.#limits.maxUnacknowledged,
    });
  }
}

function isActive(endpoint: SavedEndpoint): boolean {
  return endpoint.state === "ACTIVATED";
}
