import { randomUUID } from "node:crypto";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { Access } from "./access/access.ts";
import { Sessions } from "./access/sessions.ts";
import { Throttle } from "./access/throttle.ts";
import { makeRoutes } from "./api/routes.ts";
import type { ApiApp } from "./api/app.ts";
import { Audit } from "./audit/audit.ts";
import type { HubLimits } from "./config/limits.ts";
import { ConnectionMetrics } from "./connections/connection-metrics.ts";
import type { Registry } from "./connections/registry.ts";
import { Enrolment } from "./enrolment/enrolment.ts";
import { Gateway } from "./gateway/gateway.ts";
import { Inbox } from "./inbox/inbox.ts";
import { Retention } from "./log/retention.ts";
import { registerLogMetrics } from "./log/log-metrics.ts";
import { Metrics } from "./metrics/metrics.ts";
import type { HubState } from "./state.ts";

/** What the parts are made of. */
export interface PartsOptions {
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
  state: HubState;
  registry: Registry;
  consoleDir: string | undefined;
  /** Where the hub is reached from outside. */
  publicUrl: () => URL;
  isClosing: () => boolean;
  /** Sockets at the endpoint that have not proved themselves yet. */
  unproven: () => number;
  /** TCP connections of all kinds. */
  tcpConnections: () => Promise<number>;
}

/** The hub's working parts, wired. */
export interface HubParts {
  audit: Audit;
  metrics: Metrics;
  connectionMetrics: ConnectionMetrics;
  gateway: Gateway;
  inbox: Inbox;
  retention: Retention;
  /** Wrong tokens by address. */
  tokenThrottle: Throttle;
  app: ApiApp;
}

/** Wires the hub's parts: who is given what. Nothing runs yet. */
export function makeParts(options: PartsOptions): HubParts {
  const { limits, clock, logger, state, registry, publicUrl } = options;
  const now = () => clock.now();
  const throttle = () =>
    new Throttle({
      maxFailures: limits.maxFailuresPerAddress,
      refillMs: limits.failureRefillMs,
      maxAddresses: limits.maxThrottledAddresses,
      now,
    });
  const metrics = new Metrics();
  registerLogMetrics({
    registry: metrics.registry,
    log: state.log,
    viewsAreCurrent: () => state.views.isCurrent,
  });
  const connectionMetrics = new ConnectionMetrics({
    registry: metrics.registry,
    log: state.log,
    established: () => registry.established,
    unproven: options.unproven,
    tcp: options.tcpConnections,
  });
  const audit = new Audit({ recorder: state.recorder, logger });
  const sessions = new Sessions({
    maxSessions: limits.maxSessions,
    lifetimeMs: limits.sessionLifetimeMs,
    now,
  });
  const access = new Access({
    apiKeys: state.apiKeys,
    primaries: state.primaries,
    sessions,
    throttle: throttle(),
    logger,
    origin: () => publicUrl().origin,
  });
  const gateway = new Gateway({
    access,
    limits,
    clock,
    logger,
    findConnection: (primary) => registry.find(primary),
  });
  const enrolment = new Enrolment({
    primaries: state.primaries,
    views: state.views,
    recorder: state.recorder,
    details: state.details,
    cut: (primaryId, code, reason) => registry.cut(primaryId, code, reason),
    newId: randomUUID,
    publicUrl,
  });
  const inbox = new Inbox({
    log: state.log,
    recent: state.recentItems,
    isCurrent: () => state.views.isCurrent,
    now,
    resendWindowMs: limits.resendWindowMs,
  });
  const { log, recorder, trimmed } = state;
  const retention = new Retention({ log, recorder, trimmed, limits, clock, logger });
  const app = makeRoutes({
    access,
    audit,
    sessions,
    detailsThrottle: throttle(),
    enrolment,
    primaries: state.primaries,
    registry,
    log: state.log,
    metrics,
    limits,
    logger,
    consoleDir: options.consoleDir,
    isReady: () => !options.isClosing() && state.views.isCurrent,
  });
  return { audit, metrics, connectionMetrics, gateway, inbox, retention, tokenThrottle: throttle(), app };
}
