import type { KnownType } from "../log/known-events.ts";
import type { View } from "../views/views.ts";
import { BackupsView } from "./backups-view.ts";
import { EnrolledView } from "./enrolled-view.ts";
import { ImagesView } from "./images-view.ts";
import { JobsView } from "./jobs-view.ts";

/** The views of what primaries notify. Each event is folded into them in this order: the others ask `enrolled` who is there. */
export interface FleetViews {
  enrolled: EnrolledView;
  jobs: JobsView;
  images: ImagesView;
  backups: BackupsView;
}

/** Makes the views, not yet attached to tables. What they show is a matter of the log alone. */
export function makeFleetViews(): FleetViews {
  const views = {
    enrolled: new EnrolledView(),
    jobs: new JobsView(),
    images: new ImagesView(),
    backups: new BackupsView(),
  } satisfies Record<string, View>;
  return views;
}

const ownTypes: ReadonlySet<string> = new Set<KnownType>([
  "sallyport.primary.enrolled",
  "sallyport.primary.deleted",
  "sallyport.log.trimmed",
]);

/** Whether an event changes these views. */
export function concernsFleet(type: string): boolean {
  return type.startsWith("netbackup.") || ownTypes.has(type);
}
