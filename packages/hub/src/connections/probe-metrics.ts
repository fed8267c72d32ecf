import { Counter, Gauge, type Registry as MetricsRegistry } from "prom-client";

/** Counts the probes with which primaries find out how long a connection may be silent. They are no connections of primaries. */
export class ProbeMetrics {
  readonly #accepted;

  /** @param probing how many there are now */
  constructor(registry: MetricsRegistry, probing: () => number) {
    registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_probes",
        help: "Probes of primaries now, that find out how long a connection may be silent",
        registers: [],
        collect() {
          this.set(probing());
        },
      }),
    );
    this.#accepted = new Counter({
      name: "sallyport_hub_probes_total",
      help: "Probes of primaries whose token was good, by outcome: accepted, or busy at maxProbes or maxProbesPerPrimary",
      labelNames: ["outcome"],
      registers: [registry],
    });
  }

  /** One came with a good token. */
  came(isBusy: boolean): void {
    this.#accepted.inc({ outcome: isBusy ? "busy" : "accepted" });
  }
}
