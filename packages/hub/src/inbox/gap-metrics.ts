import { Counter, type Registry } from "prom-client";
import type { KnownData } from "../log/known-events.ts";
import type { EventLog } from "../log/log.ts";
import { gapReasons } from "./gap-events.ts";

/** Counts notifications that are missing for good, as that is written down. */
export function registerGapMetrics(registry: Registry, log: Pick<EventLog, "subscribe">): void {
  const registers = [registry];
  const gaps = new Counter({
    name: "sallyport_hub_notification_gaps_total",
    help: "Gaps in what primaries have told, by reason (other for what only a later version says)",
    labelNames: ["reason"],
    registers,
  });
  const missing = new Counter({
    name: "sallyport_hub_missing_notifications_total",
    help: "Notifications in those gaps whose number is known",
    registers,
  });
  log.subscribe((events) => {
    for (const { type, data } of events) {
      if (type !== "sallyport.notifications.gap") continue;
      const { reason, count } = data as KnownData<"sallyport.notifications.gap">;
      gaps.inc({ reason: gapReasons.find((known) => known === reason) ?? "other" });
      missing.inc(count ?? 0);
    }
  });
}
