import type { Logger } from "pino";
import type { z } from "zod";
import type { Recorder } from "../log/recorder.ts";
import type { auditEvents } from "./audit-events.ts";

/** One entry: who did what, from where, on what, and how it ended. */
export type AuditEntry = z.infer<(typeof auditEvents)["sallyport.audit"]>;

/** What the audit needs. */
export interface AuditOptions {
  recorder: Pick<Recorder, "record">;
  logger: Logger;
}

/** Writes down every change and every command. */
export class Audit {
  readonly #options: AuditOptions;
  readonly #writing = new Set<Promise<void>>();

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /**
   * Writes an entry; it is on disk when the promise resolves. For what must not happen unrecorded.
   * @throws HubError `log_busy` or `log_failed`
   */
  async record(entry: AuditEntry): Promise<void> {
    await this.#options.recorder.record("sallyport.audit", entry.target, entry);
  }

  /** Writes an entry without making anybody wait; one that can't be written goes to the hub's own log. */
  note(entry: AuditEntry): void {
    const writing = this.record(entry).catch((err: unknown) => {
      this.#options.logger.error({ err, entry }, "audit.not_recorded");
    });
    this.#writing.add(writing);
    void writing.then(() => this.#writing.delete(writing));
  }

  /** Resolves when all that was noted is written. */
  async settled(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }
}
