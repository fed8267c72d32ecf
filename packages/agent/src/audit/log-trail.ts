import type { Logger } from "pino";
import type { AuditEvent, AuditTrail } from "./audit-event.ts";

/** Records in the log alone. */
export class LogTrail implements AuditTrail {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  async record(event: AuditEvent): Promise<void> {
    this.#log.info(event, "guard.audit");
  }

  note(event: AuditEvent): void {
    this.#log.debug(event, "guard.audit");
  }
}
