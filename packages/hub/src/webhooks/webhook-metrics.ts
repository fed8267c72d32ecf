import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { DeliveryStore } from "./delivery-store.ts";
import type { Lanes } from "./lanes.ts";

/** How an attempt ended, for metrics. */
export type AttemptEnd = "delivered" | "refused" | "failed" | "unreachable" | "gone" | "not_sent";

/** What the metrics look at. */
export interface WebhookMetricsOptions {
  registry: Registry;
  lanes: Pick<Lanes, "all">;
  store: Pick<DeliveryStore, "allPending">;
  running: () => number;
}

/** Counts what becomes of webhooks. */
export class WebhookMetrics {
  readonly #attempts;
  readonly #seconds;
  readonly #givenUp;
  readonly #disabled;
  readonly #missed;

  constructor({ registry, lanes, store, running }: WebhookMetricsOptions) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: "sallyport_hub_webhook_attempts_total",
      help: "Attempts to deliver an event, by end: delivered, refused (for what it is), failed, unreachable, gone (410), not_sent (the hub's own failure)",
      labelNames: ["end"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "sallyport_hub_webhook_attempt_seconds",
      help: "How long attempts take, from resolving the name to the end of the answer",
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15],
      registers,
    });
    this.#givenUp = new Counter({
      name: "sallyport_hub_webhook_given_up_total",
      help: "Deliveries that were given up after all their attempts",
      registers,
    });
    this.#disabled = new Counter({
      name: "sallyport_hub_webhook_disabled_total",
      help: "Webhooks that the hub disabled by itself, by reason: gone, failing",
      labelNames: ["reason"],
      registers,
    });
    this.#missed = new Counter({
      name: "sallyport_hub_webhook_missed_total",
      help: "Ranges of events that retention deleted before they could be delivered",
      registers,
    });
    registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_webhooks",
        help: "Webhooks, by state: enabled, disabled, failing (enabled, and the last attempt failed)",
        labelNames: ["state"],
        registers: [],
        collect() {
          const counts = { enabled: 0, disabled: 0, failing: 0 };
          for (const { webhook, receiver } of lanes.all()) {
            counts[!webhook.enabled ? "disabled" : receiver.failures > 0 ? "failing" : "enabled"] += 1;
          }
          for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
        },
      }),
    );
    registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_webhook_deliveries_pending",
        help: "Deliveries that wait, those of disabled webhooks included",
        registers: [],
        collect() {
          this.set(store.allPending);
        },
      }),
    );
    registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_webhook_attempts_running",
        help: "Attempts that are under way",
        registers: [],
        collect() {
          this.set(running());
        },
      }),
    );
  }

  attempt(end: AttemptEnd, ms?: number): void {
    this.#attempts.inc({ end });
    if (ms !== undefined) this.#seconds.observe(ms / 1000);
  }

  givenUp(): void {
    this.#givenUp.inc();
  }

  disabled(reason: string): void {
    this.#disabled.inc({ reason });
  }

  missed(): void {
    this.#missed.inc();
  }
}
