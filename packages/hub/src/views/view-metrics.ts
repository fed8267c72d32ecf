import { Gauge, type Registry } from "prom-client";
import type { EventLog } from "../log/log.ts";
import type { Views } from "./views.ts";

/** Registers how far the views are behind the log. */
export function registerViewMetrics(
  registry: Registry,
  views: readonly Pick<Views, "position">[],
  log: Pick<EventLog, "lastPosition">,
): void {
  registry.registerMetric(
    new Gauge({
      name: "sallyport_hub_views_lag_positions",
      help: "Positions of the log that the views do not show yet",
      registers: [],
      async collect() {
        const last = await log.lastPosition();
        const shown = Math.min(...views.map(({ position }) => position));
        this.set(Math.max(0, last - shown));
      },
    }),
  );
}
