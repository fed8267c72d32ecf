import { takeDataFolder } from "@sallyport/durable";
import { newOrderedId, type Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { HubLimits } from "./config/limits.ts";
import { DetailsStore } from "./enrolment/details-store.ts";
import { CommandStore } from "./commands/command-store.ts";
import { CredentialStore } from "./credentials/credential-store.ts";
import { Fleet } from "./fleet/fleet.ts";
import type { FleetViews } from "./fleet/fleet-views.ts";
import { IdempotencyStore } from "./idempotency/idempotency-store.ts";
import { RecentItems } from "./inbox/recent-items.ts";
import { openSealing, type Sealing } from "./secrets/sealing.ts";
import type { EventLog } from "./log/log.ts";
import { Recorder } from "./log/recorder.ts";
import { openSqliteLog } from "./log/sqlite-log.ts";
import { RolloutStore } from "./rollouts/rollout-store.ts";
import { DeliveryStore } from "./webhooks/delivery-store.ts";
import { WebhookSecrets } from "./webhooks/webhook-secrets.ts";
import { concernsHub, makeHubViews, type HubViews } from "./views/hub-views.ts";
import { Views } from "./views/views.ts";

/** Everything that a hub keeps on disk, opened. */
export interface HubState extends HubViews, FleetViews {
  log: EventLog;
  recorder: Recorder;
  views: Views;
  fleet: Fleet;
  recentItems: RecentItems;
  details: DetailsStore;
  /** Seals what the hub has to use itself. */
  sealing: Sealing;
  credentials: CredentialStore;
  commands: CommandStore;
  rolloutStore: RolloutStore;
  idempotency: IdempotencyStore;
  webhookSecrets: WebhookSecrets;
  deliveries: DeliveryStore;
  /** A name inside the data folder. */
  path(name: string): string;
  /** Closes all of it, the log last but for the folder's lock. Calling it again does nothing. */
  close(): Promise<void>;
}

/** What the state is opened with. */
export interface StateOptions {
  dataDir: string;
  logger: Logger;
  limits: HubLimits;
  clock: Clock;
  /** The file of the key that stored secrets are sealed with; `credentials.key` in the data folder unless said. */
  credentialKeyFile?: string | undefined;
}

/**
 * Opens the data folder: `log.sqlite` is the truth; `views.sqlite` and `fleet.sqlite` are made anew from it when missing;
 * `details.sqlite` has endpoint details that wait to be fetched.
 * @throws DataFolderError; Error when a file can't be opened
 */
export async function openState(options: StateOptions): Promise<HubState> {
  const { dataDir, logger, limits, clock } = options;
  await using opened = new AsyncDisposableStack();
  const dir = opened.use(takeDataFolder(dataDir));
  const log = opened.use(
    openSqliteLog({ path: dir.path("log.sqlite"), maxPendingEvents: limits.maxPendingEvents }),
  );
  const hubViews = makeHubViews();
  const views = opened.use(
    await Views.open({
      path: dir.path("views.sqlite"),
      log,
      views: Object.values(hubViews),
      concerns: concernsHub,
      clock,
      logger,
      retryMs: limits.viewRetryMs,
    }),
  );
  const [logPath, fleetPath] = [dir.path("log.sqlite"), dir.path("fleet.sqlite")];
  const fleet = opened.use(await Fleet.open({ path: fleetPath, log, logPath, limits, clock, logger }));
  const now = () => clock.now();
  const { resendWindowMs: windowMs, maxRecentItems: maxItems } = limits;
  const recentItems = opened.use(await RecentItems.load({ log, windowMs, maxItems, now }));
  const details = opened.use(
    new DetailsStore({ path: dir.path("details.sqlite"), lifetimeMs: limits.detailsLifetimeMs, now }),
  );
  const sealing = await openSealing(options.credentialKeyFile ?? dir.path("credentials.key"));
  const credentials = opened.use(new CredentialStore(dir.path("credentials.sqlite"), sealing));
  const commands = opened.use(new CommandStore({ path: dir.path("commands.sqlite"), sealing, limits, now }));
  const rolloutStore = opened.use(
    new RolloutStore({ path: dir.path("rollouts.sqlite"), sealing, limits, now }),
  );
  const idempotency = opened.use(
    new IdempotencyStore(dir.path("idempotency.sqlite"), sealing, limits.maxIdempotencyKeys),
  );
  const webhookSecrets = opened.use(new WebhookSecrets({ path: dir.path("webhooks.sqlite"), sealing, now }));
  const deliveries = opened.use(new DeliveryStore({ path: dir.path("deliveries.sqlite"), limits }));
  const recorder = new Recorder({ log, now, newId: () => newOrderedId(now()) });
  const resources = opened.move();
  return {
    log,
    recorder,
    views,
    fleet,
    ...hubViews,
    ...fleet.views,
    recentItems,
    details,
    sealing,
    credentials,
    commands,
    rolloutStore,
    idempotency,
    webhookSecrets,
    deliveries,
    path: (name) => dir.path(name),
    close: () => resources.disposeAsync(),
  };
}
