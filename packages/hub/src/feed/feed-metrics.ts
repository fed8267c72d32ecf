import { Counter, Gauge, type Registry } from "prom-client";
import type { CutCode } from "./feed-stream.ts";

/** Counts the readers that follow the feed. */
export class FeedMetrics {
  readonly #streams;
  readonly #cuts;

  constructor(registry: Registry) {
    this.#streams = new Gauge({
      name: "sallyport_hub_feed_streams",
      help: "Readers that follow the feed by server-sent events now",
      registers: [registry],
    });
    this.#cuts = new Counter({
      name: "sallyport_hub_feed_cuts_total",
      help: "Readers of the feed that the hub cut off, by why: slow, refused, stopping, failed",
      labelNames: ["code"],
      registers: [registry],
    });
  }

  /** How many there are. */
  streams(count: number): void {
    this.#streams.set(count);
  }

  /** One was cut off. */
  cut(code: CutCode): void {
    this.#cuts.inc({ code });
  }
}
