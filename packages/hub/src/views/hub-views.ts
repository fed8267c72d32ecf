import { AlertsView } from "../alerts/alerts-view.ts";
import { BackupsView } from "../fleet/backups-view.ts";
import { ImagesView } from "../fleet/images-view.ts";
import { JobsView } from "../fleet/jobs-view.ts";
import { ApiKeysView } from "./api-keys.ts";
import { PrimariesView } from "./primaries.ts";
import { PrimaryTokensView } from "./primary-tokens.ts";
import { TimelineView } from "./timeline.ts";
import { TrimmedView } from "./trimmed.ts";
import { UsersView } from "./users.ts";
import type { View } from "./views.ts";
import { WarningsView } from "./warnings.ts";
import { WebhooksView } from "../webhooks/webhooks-view.ts";

/** All views of a hub. Each event is folded into them in this order: those of the fleet ask `primaries` who is enrolled. */
export interface HubViews {
  primaries: PrimariesView;
  tokens: PrimaryTokensView;
  timeline: TimelineView;
  warnings: WarningsView;
  apiKeys: ApiKeysView;
  users: UsersView;
  trimmed: TrimmedView;
  jobs: JobsView;
  images: ImagesView;
  backups: BackupsView;
  alerts: AlertsView;
  webhooks: WebhooksView;
}

/** Makes the views, not yet attached to tables. What they show is a matter of the log alone. */
export function makeHubViews(): HubViews {
  const views = {
    primaries: new PrimariesView(),
    tokens: new PrimaryTokensView(),
    timeline: new TimelineView(),
    warnings: new WarningsView(),
    apiKeys: new ApiKeysView(),
    users: new UsersView(),
    trimmed: new TrimmedView(),
    jobs: new JobsView(),
    images: new ImagesView(),
    backups: new BackupsView(),
    alerts: new AlertsView(),
    webhooks: new WebhooksView(),
  } satisfies Record<string, View>;
  return views;
}
