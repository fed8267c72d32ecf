import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "prom-client";

/** How finely the event loop is watched, ms. */
const resolutionMs = 10;
const nsPerS = 1e9;
const quantiles = [0.5, 0.9, 0.99] as const;

/**
 * Registers what the process itself uses, under the names that every Prometheus client has for it (`process_…`, `nodejs_…`), so that
 * ready-made dashboards work. prom-client's own set can't be ended; this one ends with its hub.
 */
export function registerProcessMetrics(registry: Registry): Disposable {
  const registers = [registry];
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let utilization = performance.eventLoopUtilization();
  registry.registerMetric(
    new Gauge({
      name: "nodejs_eventloop_lag_seconds",
      help: "How late the event loop was since the last scrape, by quantile",
      labelNames: ["quantile"],
      registers: [],
      collect() {
        // The histogram has the time from one tick to the next; only what is beyond the interval is late.
        const late = (ns: number) => Math.max(0, ns / nsPerS - resolutionMs / 1000);
        for (const quantile of quantiles) {
          this.set({ quantile: String(quantile) }, late(delays.percentile(quantile * 100)));
        }
        this.set({ quantile: "1" }, late(delays.max));
        delays.reset();
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "nodejs_eventloop_utilization",
      help: "Share of the time since the last scrape that the event loop was busy, 0 to 1",
      registers: [],
      collect() {
        const now = performance.eventLoopUtilization();
        this.set(performance.eventLoopUtilization(now, utilization).utilization || 0);
        utilization = now;
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: "process_cpu_seconds_total",
      help: "CPU time that the process has used, seconds",
      registers: [],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "process_resident_memory_bytes",
      help: "Memory of the process that is in RAM, bytes",
      registers: [],
      collect() {
        this.set(process.memoryUsage.rss());
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "nodejs_memory_bytes",
      help: "Memory that Node accounts for, bytes, by kind",
      labelNames: ["kind"],
      registers: [],
      collect() {
        const { heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
        for (const [kind, bytes] of Object.entries({ heapTotal, heapUsed, external, arrayBuffers })) {
          this.set({ kind }, bytes);
        }
      },
    }),
  );
  const started = new Gauge({
    name: "process_start_time_seconds",
    help: "When the process started, seconds since 1970",
    registers,
  });
  started.set(performance.timeOrigin / 1000);
  return { [Symbol.dispose]: () => void delays.disable() };
}
