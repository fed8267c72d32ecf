import { Gauge, type Registry } from "prom-client";
import { alertKinds } from "./alert-condition.ts";
import type { AlertsView } from "./alerts-view.ts";

/** Registers how many alerts are open. */
export function registerAlertMetrics(registry: Registry, alerts: Pick<AlertsView, "openByKind">): void {
  registry.registerMetric(
    new Gauge({
      name: "sallyport_hub_alerts_open",
      help: "Alerts that are open, by kind: no_good_backup, primary_silent, notifications_missing or inbox_behind",
      labelNames: ["kind"],
      registers: [],
      collect() {
        const counts = alerts.openByKind();
        for (const kind of alertKinds) this.set({ kind }, counts.get(kind) ?? 0);
      },
    }),
  );
}
