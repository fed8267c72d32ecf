import { Registry } from "prom-client";
import { registerProcessMetrics } from "./process-metrics.ts";

/**
 * The hub's metrics, one set for each hub (prom-client's own global would be shared by all hubs of a process). Each part makes its
 * counters beside it (`gateway/command-metrics.ts`) with `registers: [metrics.registry]`; names begin with `sallyport_hub_`. No label
 * may hold a secret or have unbounded values (no ids of primaries, no paths). `docs/metrics.md` lists all of them; a test compares.
 */
export class Metrics implements Disposable {
  readonly registry = new Registry();
  readonly #process = registerProcessMetrics(this.registry);

  /** All of it as Prometheus reads it. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** What `text` is, for `Content-Type`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Stops watching the process; calling it again does nothing. */
  close(): void {
    this.#process[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
