import { Gauge, type Registry } from "prom-client";
import type { EventLog } from "./log.ts";

/** What the metrics are taken from. */
export interface LogMetricsOptions {
  registry: Registry;
  log: Pick<EventLog, "lastPosition" | "pendingEvents">;
  /** Whether all that was committed is shown. */
  viewsAreCurrent: () => boolean;
}

/** Registers how far the log is, and what waits for it. */
export function registerLogMetrics({ registry, log, viewsAreCurrent }: LogMetricsOptions): void {
  registry.registerMetric(
    new Gauge({
      name: "sallyport_hub_log_position",
      help: "Position of the newest event of the log",
      registers: [],
      async collect() {
        this.set(await log.lastPosition());
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "sallyport_hub_log_pending_events",
      help: "Events that wait for their commit",
      registers: [],
      collect() {
        this.set(log.pendingEvents);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "sallyport_hub_views_current",
      help: "1 while the views show all that is in the log, 0 while they are behind",
      registers: [],
      collect() {
        this.set(viewsAreCurrent() ? 1 : 0);
      },
    }),
  );
}
