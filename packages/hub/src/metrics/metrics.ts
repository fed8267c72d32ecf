import { Registry } from "prom-client";

/**
 * The hub's metrics, one set for each hub (prom-client's own global would be shared by all hubs of a process). Each part makes its
 * counters beside it (`gateway/command-metrics.ts`) with `registers: [metrics.registry]`; names begin with `sallyport_hub_`. No label
 * may hold a secret or have unbounded values (no ids of primaries, no paths).
 */
export class Metrics {
  readonly registry = new Registry();

  /** All of it as Prometheus reads it. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** What `text` is, for `Content-Type`. */
  get contentType(): string {
    return this.registry.contentType;
  }
}
