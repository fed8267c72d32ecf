import { Counter, Gauge, type Registry } from "prom-client";
import { rolloutStates } from "./rollout-states.ts";
import type { TargetState } from "./decide.ts";
import type { RolloutStore } from "./rollout-store.ts";

/** Counts what becomes of rollouts. */
export class RolloutMetrics {
  readonly #ended;

  constructor(registry: Registry, store: Pick<RolloutStore, "countByState">) {
    registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_rollouts",
        help: "Rollouts that are kept, by state: running, paused, aborted or finished",
        labelNames: ["state"],
        registers: [],
        collect() {
          const counts = store.countByState();
          for (const state of rolloutStates) this.set({ state }, counts.get(state) ?? 0);
        },
      }),
    );
    this.#ended = new Counter({
      name: "sallyport_hub_rollout_targets_ended_total",
      help: "Targets of rollouts that ended, by end: done, refused, failed, expired, cancelled, unknown or held",
      labelNames: ["end"],
      registers: [registry],
    });
  }

  /** A target has ended. */
  ended(end: TargetState): void {
    this.#ended.inc({ end });
  }
}
