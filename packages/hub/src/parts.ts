import { randomUUID } from "node:crypto";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { addressThrottle, makeAccessParts, type AccessParts } from "./access/access-parts.ts";
import type { OidcOptions } from "./access/oidc.ts";
import type { RemoteAddressOf } from "./access/remote-address.ts";
import type { Throttle } from "./access/throttle.ts";
import { registerAlertMetrics } from "./alerts/alert-metrics.ts";
import { AlertRules } from "./alerts/alert-rules.ts";
import { AlertWatch } from "./alerts/alert-watch.ts";
import { makeRoutes } from "./api/routes.ts";
import type { ApiApp } from "./api/app.ts";
import { Audit } from "./audit/audit.ts";
import type { HubLimits } from "./config/limits.ts";
import { ConnectionMetrics } from "./connections/connection-metrics.ts";
import { ProbeMetrics } from "./connections/probe-metrics.ts";
import { LateResponses } from "./connections/late-responses.ts";
import type { Registry } from "./connections/registry.ts";
import { makeEnrolment } from "./enrolment/make-enrolment.ts";
import { CommandAnnouncer } from "./commands/command-announcer.ts";
import { CommandRunner } from "./commands/command-runner.ts";
import { Credentials } from "./credentials/credentials.ts";
import { CommandMetrics } from "./gateway/command-metrics.ts";
import { Feed } from "./feed/feed.ts";
import { FeedMetrics } from "./feed/feed-metrics.ts";
import { FeedStreams } from "./feed/feed-streams.ts";
import type { TokenExpiry } from "./enrolment/token-expiry.ts";
import { Gateway } from "./gateway/gateway.ts";
import { Relay } from "./gateway/relay.ts";
import { Idempotency } from "./idempotency/idempotency.ts";
import { Inbox } from "./inbox/inbox.ts";
import { registerGapMetrics } from "./inbox/gap-metrics.ts";
import { NumberedInbox } from "./inbox/numbered-inbox.ts";
import { BodyDeadlines } from "./body-deadlines.ts";
import { BodyBudget } from "./request-body.ts";
import { Retention } from "./log/retention.ts";
import { registerLogMetrics } from "./log/log-metrics.ts";
import { Metrics } from "./metrics/metrics.ts";
import { registerViewMetrics } from "./views/view-metrics.ts";
import { makeWebhookParts, type WebhookOptions, type WebhookParts } from "./webhooks/webhook-parts.ts";
import type { RolloutRunner } from "./rollouts/rollout-runner.ts";
import { makeRolloutParts } from "./rollouts/rollout-parts.ts";
import type { HubState } from "./state.ts";

/** What the parts are made of. */
export interface PartsOptions {
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
  state: HubState;
  registry: Registry;
  consoleDir: string | undefined;
  /** Where requests come from. */
  remoteAddressOf: RemoteAddressOf;
  oidc: OidcOptions | undefined;
  webhooks: WebhookOptions | undefined;
  /** Where the hub is reached from outside. */
  publicUrl: () => URL;
  /** Its further addresses. */
  moreUrls: readonly URL[];
  isClosing: () => boolean;
  /** Sockets at the endpoint that have not proved themselves yet. */
  unproven: () => number;
  /** Probes whose token was accepted. */
  probing: () => number;
  /** TCP connections of all kinds. */
  tcpConnections: () => Promise<number>;
}

/** The hub's working parts, wired. */
export interface HubParts {
  audit: Audit;
  apiKeyUsage: AccessParts["apiKeyUsage"];
  oidc: AccessParts["oidc"];
  metrics: Metrics;
  connectionMetrics: ConnectionMetrics;
  probeMetrics: ProbeMetrics;
  lateResponses: LateResponses;
  gateway: Gateway;
  deadlines: BodyDeadlines;
  runner: CommandRunner;
  rolloutRunner: RolloutRunner;
  inbox: NumberedInbox;
  streams: FeedStreams;
  retention: Retention;
  tokenExpiry: TokenExpiry;
  alertWatch: AlertWatch;
  webhooks: WebhookParts;
  /** Wrong tokens by address. */
  tokenThrottle: Throttle;
  app: ApiApp;
}

/** Wires the hub's parts: who is given what. Nothing runs yet. */
export function makeParts(options: PartsOptions): HubParts {
  const { limits, clock, logger, state, registry, publicUrl, remoteAddressOf } = options;
  const now = () => clock.now();
  const metrics = new Metrics();
  registerLogMetrics({
    registry: metrics.registry,
    log: state.log,
    viewsAreCurrent: () => state.views.isCurrent && state.fleet.isCurrent,
  });
  const connectionMetrics = new ConnectionMetrics({
    registry: metrics.registry,
    log: state.log,
    established: () => registry.established,
    unproven: options.unproven,
    tcp: options.tcpConnections,
  });
  const probeMetrics = new ProbeMetrics(metrics.registry, options.probing);
  const lateResponses = new LateResponses(metrics.registry, logger);
  const audit = new Audit({ recorder: state.recorder, clock, logger });
  const accessParts = makeAccessParts({
    oidc: options.oidc,
    limits,
    clock,
    logger,
    state,
    audit,
    remoteAddressOf,
    publicUrl,
  });
  const { access, apiKeyUsage, oidc } = accessParts;
  const relay = new Relay({ limits, clock, findConnection: (primary) => registry.find(primary) });
  const budget = new BodyBudget(limits.maxHeldBodyBytes);
  const credentials = new Credentials({
    store: state.credentials,
    recorder: state.recorder,
    logger,
    now,
    send: (primary, command) =>
      relay.send({ primary, command, timeoutMs: limits.defaultCommandTimeoutMs, caller: "hub" }),
  });
  const commandMetrics = new CommandMetrics({
    registry: metrics.registry,
    inFlight: () => relay.inFlight,
    queued: () => relay.queued,
    stored: () => state.commands.queued,
    heldBodyBytes: () => budget.held,
  });
  const runner = new CommandRunner({
    ended(id, state) {
      commandMetrics.noteStored(state);
      rollouts.rolloutRunner.ended(id);
    },
    store: state.commands,
    announcer: new CommandAnnouncer({ store: state.commands, recorder: state.recorder, logger }),
    clock,
    logger,
    sweepMs: limits.storedCommandSweepMs,
    findPrimary: (id) => state.primaries.get(id),
    isConnected: (primary) => relay.isConnected(primary),
    send: (primary, command, how) =>
      credentials.send(primary, command, (authorized) =>
        relay.send({ primary, command: authorized, ...how }),
      ),
  });
  const rollouts = makeRolloutParts({
    state,
    access,
    audit,
    runner,
    registry: metrics.registry,
    limits,
    clock,
    logger,
  });
  const idempotency = new Idempotency({
    store: state.idempotency,
    now,
    lifetimeMs: limits.idempotencyLifetimeMs,
  });
  const deadlines = new BodyDeadlines(clock, limits.requestTimeoutMs);
  const gateway = new Gateway({
    access,
    limits,
    clock,
    logger,
    audit,
    relay,
    metrics: commandMetrics,
    budget,
    deadlines,
    credentials,
    idempotency,
    commands: state.commands,
    accepted: (primaryId) => runner.wake(primaryId),
  });
  const { log, recorder, primaries, tokens, trimmed } = state;
  const enrolling = makeEnrolment({ ...options, audit });
  const inbox = new Inbox({
    log: state.log,
    recent: state.recentItems,
    now,
  });
  const numberedInbox = new NumberedInbox({ inbox, log, logger, now });
  registerGapMetrics(metrics.registry, log);
  const feed = new Feed({ log, trimmed, primaries: state.primaries });
  const streams = new FeedStreams({
    feed,
    log,
    metrics: new FeedMetrics(metrics.registry),
    limits,
    clock,
    logger,
    random: Math.random,
  });
  const { registry: metricsRegistry } = metrics;
  const webhooks = makeWebhookParts({
    options: options.webhooks,
    state,
    feed,
    registry: metricsRegistry,
    limits,
    clock,
    logger,
  });
  const retention = new Retention({ log, recorder, trimmed, limits, clock, logger });
  const alertWatch = new AlertWatch({ ...state, registry, inbox, limits, clock, logger });
  registerAlertMetrics(metrics.registry, state.alerts);
  registerViewMetrics(metrics.registry, [state.views, state.fleet], state.log);
  const app = makeRoutes({
    ...accessParts,
    audit,
    idempotency,
    commands: state.commands,
    runner,
    rollouts: rollouts.rollouts,
    rolloutStore: state.rolloutStore,
    isConnected: (primary) => relay.isConnected(primary),
    credentials,
    ...enrolling,
    recorder,
    primaries,
    tokens,
    timeline: state.timeline,
    warnings: state.warnings,
    remoteAddressOf,
    hasUsers: () => !state.users.isEmpty,
    detailsThrottle: addressThrottle(limits, clock),
    registry,
    jobs: state.jobs,
    images: state.images,
    backups: state.backups,
    alerts: state.alerts,
    alertRules: makeAlertRules(state, limits),
    webhooks: webhooks.webhooks,
    now,
    log,
    feed,
    streams,
    metrics,
    limits,
    logger,
    consoleDir: options.consoleDir,
    shown: () => state.fleet.shown(),
    isReady: () => !options.isClosing() && state.views.isCurrent && state.fleet.isCurrent,
  });
  const tokenThrottle = addressThrottle(limits, clock);
  return {
    audit,
    apiKeyUsage,
    oidc,
    metrics,
    connectionMetrics,
    probeMetrics,
    lateResponses,
    gateway,
    deadlines,
    runner,
    rolloutRunner: rollouts.rolloutRunner,
    inbox: numberedInbox,
    streams,
    retention,
    alertWatch,
    webhooks,
    tokenExpiry: enrolling.tokenExpiry,
    tokenThrottle,
    app,
  };
}

/** Makes what changes the alert rules. */
export function makeAlertRules(
  { alerts, views, recorder }: Pick<HubState, "alerts" | "views" | "recorder">,
  { maxAlertRules: maxRules }: Pick<HubLimits, "maxAlertRules">,
): AlertRules {
  return new AlertRules({ alerts, views, recorder, newId: randomUUID, maxRules });
}
