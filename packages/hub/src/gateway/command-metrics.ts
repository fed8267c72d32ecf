import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { CommandEnd } from "./command-errors.ts";

/** What the metrics of commands are read from. */
export interface CommandMetricsOptions {
  registry: Registry;
  inFlight: () => number;
  queued: () => number;
  /** Commands that the hub keeps until their primary is there. */
  stored: () => number;
  heldBodyBytes: () => number;
}

/** Counts and times commands. */
export class CommandMetrics {
  readonly #ended: Counter<"end">;
  readonly #seconds: Histogram;
  readonly #storedEnded: Counter<"state">;
  /** One for each end, so that no labels are looked up for each command. */
  readonly #counters = new Map<CommandEnd, Counter.Internal>();

  constructor({ registry, inFlight, queued, stored, heldBodyBytes }: CommandMetricsOptions) {
    const registers = [registry];
    this.#ended = new Counter({
      name: "sallyport_hub_commands_total",
      help: "Commands by how they ended",
      labelNames: ["end"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "sallyport_hub_command_duration_seconds",
      help: "How long commands took, from the request to its answer",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.#storedEnded = new Counter({
      name: "sallyport_hub_stored_commands_total",
      help: "Stored commands by the state that they ended in",
      labelNames: ["state"],
      registers,
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name: `sallyport_hub_${name}`,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge("commands_in_flight", "Commands that primaries work on", inFlight);
    gauge("commands_queued", "Commands that wait for their turn at a primary", queued);
    gauge("commands_stored", "Commands that the hub keeps until their primary is there", stored);
    gauge("command_held_body_bytes", "Bytes of request bodies that the gateway holds", heldBodyBytes);
  }

  /** Counts one stored command that ended. */
  noteStored(state: string): void {
    this.#storedEnded.inc({ state });
  }

  /** Counts one command that ended. */
  note(end: CommandEnd, ms: number): void {
    let counter = this.#counters.get(end);
    if (counter === undefined) this.#counters.set(end, (counter = this.#ended.labels(end)));
    counter.inc();
    this.#seconds.observe(ms / 1000);
  }
}
