import type { Logger } from "pino";
import type { AccessParts } from "../access/access-parts.ts";
import type { RemoteAddressOf } from "../access/remote-address.ts";
import type { Throttle } from "../access/throttle.ts";
import type { HubLimits } from "../config/limits.ts";
import type { CommandRunner } from "../commands/command-runner.ts";
import type { CommandStore } from "../commands/command-store.ts";
import type { Credentials } from "../credentials/credentials.ts";
import type { Idempotency } from "../idempotency/idempotency.ts";
import type { Registry } from "../connections/registry.ts";
import type { DetailsDesk } from "../enrolment/details-desk.ts";
import type { Enrolment } from "../enrolment/enrolment.ts";
import type { Feed } from "../feed/feed.ts";
import type { FeedStreams } from "../feed/feed-streams.ts";
import type { PublicAddresses } from "../enrolment/public-addresses.ts";
import type { Tokens } from "../enrolment/tokens.ts";
import type { EventLog } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { PrimariesView } from "../views/primaries.ts";
import type { PrimaryTokensView } from "../views/primary-tokens.ts";
import type { TimelineView } from "../views/timeline.ts";
import type { WarningsView } from "../views/warnings.ts";
import { addMetricsRoute } from "../metrics/metrics-route.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { addConsoleRoutes } from "../web/console-routes.ts";
import type { Audit } from "../audit/audit.ts";
import { addAlertsRoutes, type AlertsRoutesOptions } from "./alerts-routes.ts";
import { makeApp, type ApiApp } from "./app.ts";
import { addCommandsRoutes } from "./commands-routes.ts";
import { idempotentPosts } from "./idempotent-posts.ts";
import { addApiKeysRoutes } from "./api-keys-routes.ts";
import { addAuditRoutes } from "./audit-routes.ts";
import { identifyCallers } from "./caller.ts";
import { addDetailsRoute } from "./details-route.ts";
import { addFleetRoutes, type FleetRoutesOptions } from "./fleet-routes.ts";
import { addNotificationsRoutes } from "./notifications-routes.ts";
import { addOidcRoutes } from "./oidc-routes.ts";
import { addOpenApi } from "./open-api.ts";
import { recordRequests } from "./request-record.ts";
import { addPrimariesRoutes } from "./primaries-routes.ts";
import { addPrimaryHistoryRoutes } from "./primary-history-routes.ts";
import { addPrimaryTokensRoutes } from "./primary-tokens-routes.ts";
import { addSessionRoutes } from "./session-routes.ts";
import { addRolloutsRoutes, type RolloutsRoutesOptions } from "./rollouts-routes.ts";
import { addStatusRoutes } from "./status-routes.ts";
import { addUsersRoutes } from "./users-routes.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import { addWebhooksRoutes } from "./webhooks-routes.ts";

/** What the HTTP API is made of. */
export interface RoutesOptions
  extends
    AccessParts,
    Pick<FleetRoutesOptions, "jobs" | "images" | "backups" | "now">,
    Pick<AlertsRoutesOptions, "alerts" | "alertRules">,
    Pick<RolloutsRoutesOptions, "rollouts" | "rolloutStore" | "isConnected"> {
  audit: Audit;
  webhooks: Webhooks;
  idempotency: Idempotency;
  commands: CommandStore;
  runner: CommandRunner;
  credentials: Credentials;
  remoteAddressOf: RemoteAddressOf;
  /** Whether anybody could sign in with a password. */
  hasUsers: () => boolean;
  detailsThrottle: Throttle;
  enrolment: Enrolment;
  /** Hands out endpoint details. */
  desk: DetailsDesk;
  addresses: PublicAddresses;
  tokenKeeper: Tokens;
  recorder: Recorder;
  primaries: PrimariesView;
  tokens: PrimaryTokensView;
  timeline: TimelineView;
  warnings: WarningsView;
  registry: Registry;
  log: EventLog;
  feed: Feed;
  streams: FeedStreams;
  metrics: Metrics;
  limits: HubLimits;
  logger: Logger;
  consoleDir: string | undefined;
  isReady: () => boolean;
  /** Has the views show all that was committed. */
  shown: () => Promise<void>;
}

/** Makes the hub's HTTP API, all but the gateway. */
export function makeRoutes(options: RoutesOptions): ApiApp {
  const { limits, logger } = options;
  const app = makeApp({
    maxBodyBytes: limits.maxApiBodyBytes,
    record: recordRequests({ registry: options.metrics.registry, logger }),
    identify: identifyCallers(options),
    shown: options.shown,
    repeats: idempotentPosts(options.idempotency),
  });
  addStatusRoutes(app, options);
  addMetricsRoute(app, options);
  addSessionRoutes(app, { ...options, sessionMaxAgeS: Math.floor(limits.sessionLifetimeMs / 1000) });
  addOidcRoutes(app, { ...options, sessionMaxAgeS: Math.floor(limits.sessionLifetimeMs / 1000) });
  addApiKeysRoutes(app, options.apiKeys);
  addUsersRoutes(app, options.users);
  addAuditRoutes(app, options);
  addPrimariesRoutes(app, options);
  addPrimaryTokensRoutes(app, options);
  addPrimaryHistoryRoutes(app, options);
  addCommandsRoutes(app, options);
  addRolloutsRoutes(app, options);
  addDetailsRoute(app, options.desk, options.detailsThrottle);
  addNotificationsRoutes(app, options);
  addFleetRoutes(app, options);
  addAlertsRoutes(app, options);
  addWebhooksRoutes(app, options.webhooks);
  addOpenApi(app);
  addConsoleRoutes(app, options.consoleDir);
  return app;
}
