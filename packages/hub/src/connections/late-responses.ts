import { Counter, type Registry as MetricsRegistry } from "prom-client";
import type { Logger } from "pino";

/**
 * Counts responses that no command waits for (any more). The first of a connection is logged: a primary could send any number of them, and
 * must not fill the log.
 */
export class LateResponses {
  readonly #logger: Pick<Logger, "info">;
  readonly #counter;
  readonly #logged = new WeakSet<object>();

  constructor(registry: MetricsRegistry, logger: Pick<Logger, "info">) {
    this.#logger = logger;
    this.#counter = new Counter({
      name: "sallyport_hub_late_responses_total",
      help: "Responses of primaries that no command waited for any more; the first of each connection is in the log",
      registers: [registry],
    });
  }

  /** One came. */
  note(connection: { identity: { primaryId: string }; trackingId: string }): void {
    this.#counter.inc();
    if (this.#logged.has(connection)) return;
    this.#logged.add(connection);
    const { identity, trackingId } = connection;
    this.#logger.info({ primary: identity.primaryId, trackingId }, "command.late_response");
  }
}
