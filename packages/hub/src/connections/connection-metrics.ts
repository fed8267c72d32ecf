import { Counter, Gauge, type Registry as MetricsRegistry } from "prom-client";
import type { KnownData } from "../log/known-events.ts";
import type { EventLog } from "../log/log.ts";
import { causeOf, type Ending } from "./cause.ts";

/** What the metrics are taken from. */
export interface ConnectionMetricsOptions {
  registry: MetricsRegistry;
  /** Connects and disconnects are counted as they are written down. */
  log: Pick<EventLog, "subscribe">;
  /** Connections of primaries that are in use. */
  established: () => number;
  /** Sockets that have not proved themselves yet. */
  unproven: () => number;
  /** TCP connections of all kinds. */
  tcp: () => Promise<number>;
}

/** Counts the connections of primaries: how many there are, come, go (with the close code), and are turned away. */
export class ConnectionMetrics {
  readonly #rejected;
  readonly #ignored;

  constructor({ registry, log, established, unproven, tcp }: ConnectionMetricsOptions) {
    const registers = [registry];
    registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_connections",
        help: "Connections of primaries now, by state: established, or unproven before their token was checked",
        labelNames: ["state"],
        registers: [],
        collect() {
          this.set({ state: "established" }, established());
          this.set({ state: "unproven" }, unproven());
        },
      }),
    );
    registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_tcp_connections",
        help: "TCP connections now, those of primaries included",
        registers: [],
        async collect() {
          this.set(await tcp());
        },
      }),
    );
    const connects = new Counter({
      name: "sallyport_hub_connects_total",
      help: "Connections of primaries that were established",
      registers,
    });
    const disconnects = new Counter({
      name: "sallyport_hub_disconnects_total",
      help: "Connections of primaries that ended, by close code (other for codes that nobody has given a meaning) and probable cause",
      labelNames: ["code", "cause"],
      registers,
    });
    this.#rejected = new Counter({
      name: "sallyport_hub_connections_rejected_total",
      help: "Sockets that ended before they had proved themselves, by close code",
      labelNames: ["code"],
      registers,
    });
    this.#ignored = new Counter({
      name: "sallyport_hub_extension_ignored_total",
      help: "Messages and frames of a later version of sallyport.v1 that primaries have sent, and that were ignored",
      registers,
    });
    log.subscribe((events) => {
      for (const { type, time, data } of events) {
        if (type === "sallyport.connection.connected") connects.inc();
        if (type === "sallyport.connection.disconnected") {
          const ended = data as KnownData<"sallyport.connection.disconnected">;
          disconnects.inc({ code: codeLabel(ended.closeCode), cause: causeOf(endingOf(ended, time)) });
        }
      }
    });
  }

  /** A socket was turned away. */
  rejected(code: number): void {
    this.#rejected.inc({ code: codeLabel(code) });
  }

  /** Something was ignored that only a later version knows. */
  ignored(): void {
    this.#ignored.inc();
  }
}

function endingOf(ended: KnownData<"sallyport.connection.disconnected">, time: string): Ending {
  const endedAtMs = Date.parse(time);
  const { closeCode: code, closeReason: reason, connectedAt, lastSeenAt } = ended;
  const durationMs = connectedAt === null ? undefined : endedAtMs - Date.parse(connectedAt);
  return { code, reason, durationMs, silentMs: endedAtMs - Date.parse(lastSeenAt) };
}

/** The peer chooses the code: only those that RFC 6455's registry names, and the first of those for private use, get a series. */
function codeLabel(code: number): string {
  const isKnown = (code >= 1000 && code <= 1015) || (code >= 4000 && code < 4020);
  return isKnown ? String(code) : "other";
}
