import { AlertsView } from "../alerts/alerts-view.ts";
import { ApiKeysView } from "./api-keys.ts";
import { PrimariesView } from "./primaries.ts";
import { PrimaryTokensView } from "./primary-tokens.ts";
import { TimelineView } from "./timeline.ts";
import { TrimmedView } from "./trimmed.ts";
import { UsersView } from "./users.ts";
import type { View } from "./views.ts";
import { WarningsView } from "./warnings.ts";
import { WebhooksView } from "../webhooks/webhooks-view.ts";

/** The views of what the hub itself knows; those of notifications are the fleet's. */
export interface HubViews {
  primaries: PrimariesView;
  tokens: PrimaryTokensView;
  timeline: TimelineView;
  warnings: WarningsView;
  apiKeys: ApiKeysView;
  users: UsersView;
  trimmed: TrimmedView;
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
    alerts: new AlertsView(),
    webhooks: new WebhooksView(),
  } satisfies Record<string, View>;
  return views;
}

/** Whether an event changes these views: those of the hub's own do, but for the audit, which is listed from the log. */
export function concernsHub(type: string): boolean {
  return type.startsWith("sallyport.") && type !== "sallyport.audit";
}
