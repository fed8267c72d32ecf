import type { Hono } from "hono";
import type { Logger } from "pino";
import type { Database } from "@sallyport/durable";
import {
  dialEndpoint,
  Probe,
  systemClock,
  type Clock,
  type ProxyEnvironment,
  type ServiceConnection,
} from "@sallyport/nbwss";
import type { DialTerms } from "./connect/group.ts";
import { Groups } from "./connect/groups.ts";
import { ConnectionAdministration } from "./connect/administration.ts";
import { EndpointAdministration } from "./endpoints/administration.ts";
import { EndpointStore, type SavedEndpoint } from "./endpoints/store.ts";
import { pinnedTls, reachEndpoint, trustedAuthorities, type Egress } from "./endpoints/trust.ts";
import { Guard } from "./guard/guard.ts";
import { GuardAdministration } from "./guard/guard-administration.ts";
import type { PersonOf } from "./guard/guard-routes.ts";
import { RulesFile } from "./guard/rules-file.ts";
import { IdleTimers } from "./idle/idle-timers.ts";
import { ServiceHealth } from "./health.ts";
import { defaultAgentLimits, outboxBounds, type AgentLimits } from "./limits.ts";
import { Outbox } from "./outbox/outbox.ts";
import { sendNotifications } from "./outbox/sender.ts";
import { SizeSuspects } from "./outbox/size-suspects.ts";
import { AuditLog } from "./audit/audit-log.ts";
import { defaultProperties, type NbwssProperties } from "./properties.ts";
import { serviceRoutes } from "./service-routes.ts";
import { StreamedCommands } from "./streamed-commands.ts";
import { openUpstream, type OpenedUpstream, type Upstream } from "./upstream/upstream.ts";

/** What the NBWSS service is built on. */
export interface NbwssServiceOptions {
  /** Holds endpoints and outbox; the primary's own, so that a job and its notification commit together. */
  database: Database;
  log: Logger;
  /** Where the audit of what the cloud does lies; made when missing. */
  auditDir: string;
  /** An authority to trust beside the system's when dialling endpoints and details URLs, PEM. */
  endpointCaPem?: string | undefined;
  /** The HTTP proxy on the way to endpoints and details URLs. */
  proxy?: ProxyEnvironment | undefined;
  properties?: NbwssProperties | undefined;
  /** The guard's rules file, read again when it changes; the built-in rules without one. */
  guardRulesFile?: string | undefined;
  /** The cloud may look, and nothing else. */
  readOnly?: boolean | undefined;
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
  readonly connections: ConnectionAdministration;
  /** The idle timers on the way to the endpoints. */
  readonly idle: IdleTimers;
  /** What the cloud may do. */
  readonly guard: GuardAdministration;
  readonly #options: NbwssServiceOptions;
  readonly #limits: AgentLimits;
  #properties: NbwssProperties;
  readonly #clock: Clock;
  readonly #egress: Egress;
  readonly #store: EndpointStore;
  readonly #rules: RulesFile;
  readonly #guard: Guard;
  readonly #streamed: StreamedCommands;
  readonly #suspects = new SizeSuspects();
  readonly #health: ServiceHealth;
  readonly #audit: AuditLog;
  #groups: Groups | undefined;
  #upstream: OpenedUpstream | undefined;
  #closing: Promise<void> | undefined;

  /** @throws AgentError `invalid_rules` */
  constructor(options: NbwssServiceOptions) {
    this.#options = options;
    this.#limits = { ...defaultAgentLimits, ...options.limits };
    this.#properties = options.properties ?? defaultProperties;
    this.#clock = options.clock ?? systemClock;
    this.#egress = { ca: trustedAuthorities(options.endpointCaPem), proxy: options.proxy };
    this.#store = new EndpointStore(options.database);
    this.outbox = new Outbox(options.database, outboxBounds(this.#limits), (gap) =>
      options.log.error(gap, gap.isOver ? "outbox.gap_passed" : "outbox.gap"),
    );
    this.#health = new ServiceHealth(this.outbox, () => this.#clock.now());
    this.administration = new EndpointAdministration({
      store: this.#store,
      egress: this.#egress,
      limits: this.#limits,
      changed: () => this.#reconcile(),
      isConnected: (hostName) => this.#groups?.isConnected(hostName) ?? false,
      failureOf: (hostName) => this.#groups?.failureOf(hostName),
    });
    this.#streamed = new StreamedCommands(this.#limits);
    this.connections = new ConnectionAdministration({
      streamed: (groupId) => this.#streamed.of(groupId),
      store: this.#store,
      groups: () => this.#groups,
      outbox: this.outbox,
      changed: () => this.#reconcile(),
    });
    this.idle = this.#makeIdleTimers();
    const { database, log, guardRulesFile: file, readOnly: isReadOnly = false } = options;
    const [limits, clock] = [this.#limits, this.#clock];
    const audit = new AuditLog({ dir: options.auditDir, limits, clock, log });
    const rules = new RulesFile({ file, isReadOnly, log });
    const guard = new Guard({ database, audit, rules: () => rules.current, limits, clock, log });
    this.guard = new GuardAdministration({ guard, rules, audit, limits, clock });
    [this.#rules, this.#guard, this.#audit] = [rules, guard, audit];
    rules.watch((change) => {
      audit
        .record({ ...change })
        .catch((error: unknown) => log.error({ err: error, ...change }, "audit.failed"));
    });
  }

  /** What is offered on premises, to be mounted at `/netbackup` behind authentication. */
  routes(personOf: PersonOf = () => undefined): Hono {
    const { guard, administration, connections } = this;
    return serviceRoutes({ personOf, guard, administration, connections });
  }

  /** How everything that goes out to the cloud side goes out. */
  get egress(): Egress {
    return this.#egress;
  }

  /** Begins to connect; commands go to `upstream`. */
  start(upstream: Upstream): void {
    this.#upstream = openUpstream(upstream, this.#limits, { clock: this.#clock, log: this.#options.log });
    this.#groups = this.#makeGroups();
    this.#reconcile();
    this.idle.start();
  }

  /** The properties of the moment. */
  get properties(): NbwssProperties {
    return this.#properties;
  }

  /** Takes up changed properties at once, on the connections that there are too. */
  setProperties(properties: NbwssProperties): void {
    this.#properties = properties;
    this.#setPaces();
  }

  /** Tries at once where there is no connection, and looks whether those that there are live. */
  async reconnect(): Promise<void> {
    await this.#groups?.reconnect(false);
  }

  /** The upstream, as `start` opened it. */
  get upstream(): OpenedUpstream | undefined {
    return this.#upstream;
  }

  /** Closes all connections; what is not yet acknowledged stays in the outbox. Calling it again returns the same promise. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#rules[Symbol.dispose]();
      await this.idle[Symbol.asyncDispose]();
      await this.#groups?.close();
      this.#health[Symbol.dispose]();
      this.#upstream?.close();
      await this.#audit.close();
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
    this.idle.reconcile();
    this.#groups?.reconcile();
  }

  /** Has the connections that there are ping as often as is right now. */
  #setPaces(): void {
    for (const endpoint of this.#store.list())
      this.#groups?.connectionOf(endpoint.hostName)?.setKeepAlive(this.idle.paceOf(endpoint));
  }

  #makeIdleTimers(): IdleTimers {
    const [limits, clock] = [this.#limits, this.#clock];
    const { dialTimeoutMs } = limits;
    return new IdleTimers({
      database: this.#options.database,
      endpoints: () => this.#store.list(),
      isConnected: (hostName) => this.#groups?.isConnected(hostName) ?? false,
      open: ({ url, token, certificate }, signal) => {
        const tls = pinnedTls(this.#egress.ca, certificate);
        const { proxy } = this.#egress;
        return Probe.open({ url, token, tls, proxy, clock, signal, limits: { dialTimeoutMs } });
      },
      setPace: () => {
        const { pingIntervalMs: intervalMs, maxMissedPongs: maxMissed } = this.#properties;
        return { intervalMs, maxMissed };
      },
      paceChanged: () => this.#setPaces(),
      limits,
      clock,
      log: this.#options.log,
      random: () => this.#options.random?.() ?? Math.random(),
    });
  }

  #makeGroups(): Groups {
    return new Groups({
      store: this.#store,
      dial: (endpoint, terms) => this.#dial(endpoint, terms),
      serve: ({ groupId }, connection) => this.#send(groupId, connection),
      reach: (endpoint) => reachEndpoint(endpoint, this.#egress, this.#limits.dialTimeoutMs),
      isAcknowledged: (groupId) => this.outbox.read(this.outbox.cursor(groupId), 1).length === 0,
      connectPeriodMs: () => this.#properties.connectPeriodMs,
      clock: this.#clock,
      log: this.#options.log,
      limits: this.#limits,
      random: () => this.#options.random?.() ?? Math.random(),
    });
  }

  #dial(endpoint: SavedEndpoint, { signal, beforeConnect }: DialTerms): Promise<ServiceConnection> {
    const { log, proxy } = this.#options;
    const { dialTimeoutMs, maxMessageBytes, streamStallMs } = this.#limits;
    const { hostName, groupId, url, token, certificate } = endpoint;
    const { ignoreDecoder } = this.#properties;
    const { intervalMs: pingIntervalMs, maxMissed: maxMissedPongs } = this.idle.paceOf(endpoint);
    const upstream = this.#upstream?.commands;
    if (upstream === undefined) throw new TypeError("start() goes before the first connection");
    return dialEndpoint({
      url,
      token,
      signal,
      beforeConnect,
      proxy,
      tls: pinnedTls(this.#egress.ca, certificate),
      clock: this.#clock,
      limits: { pingIntervalMs, maxMissedPongs, maxMessageBytes, dialTimeoutMs, streamStallMs },
      ignoreUndecodable: ignoreDecoder,
      execute: (command, gone) =>
        this.#streamed.run(groupId, command, () => this.#guard.execute(command, groupId, upstream, gone)),
      stalled: () => {
        this.#streamed.stalled(groupId);
        log.warn({ groupId, hostName, afterMs: streamStallMs }, "command.answer_not_read");
      },
      health: () => this.#health.of(groupId),
      undecodable: (error) => log.error({ groupId, hostName, reason: error.message }, "endpoint.undecodable"),
      // Once for each connection: an endpoint of a later version may say such things again and again.
      ignored: (what, count) => count === 1 && log.info({ groupId, hostName, what }, "endpoint.ignored"),
      answerNotSent: (error) => log.error({ groupId, hostName, err: error }, "command.answer_not_sent"),
    });
  }

  #send(groupId: string, connection: ServiceConnection): Promise<void> {
    const properties = () => this.#properties;
    return sendNotifications({
      outbox: this.outbox,
      groupId,
      connection,
      clock: this.#clock,
      log: this.#options.log,
      // Read for each send, since the file may change.
      get sendTimeoutMs() {
        return properties().sendTimeoutMs;
      },
      get resendAfterMs() {
        return properties().resendAfterMs;
      },
      suspects: this.#suspects,
      maxUnacknowledged: this.#limits.maxUnacknowledged,
      helloTimeoutMs: this.#limits.helloTimeoutMs,
    });
  }
}
