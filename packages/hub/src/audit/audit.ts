import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { z } from "zod";
import type { LogEvent } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { auditEvents } from "./audit-events.ts";

/** One entry: who did what, from where, on what, and how it ended. */
export type AuditEntry = z.infer<(typeof auditEvents)["sallyport.audit"]>;

/** What the audit needs. */
export interface AuditOptions {
  recorder: Pick<Recorder, "record" | "eventOf" | "append">;
  clock: Pick<Clock, "after">;
  logger: Logger;
}

/** How long noted entries are gathered, ms: a commit costs much the same for one entry and for fifty. */
const gatherMs = 25;
/** Entries that are gathered at most; then they are written at once. */
const maxGathered = 128;

/** Writes down every change and every command. */
export class Audit {
  readonly #options: AuditOptions;
  readonly #writing = new Set<Promise<void>>();
  #gathered: LogEvent[] = [];
  #timer: Timer | undefined;

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

  /**
   * Writes an entry without making anybody wait, together with others of the same moment; a hub that is killed loses those of the
   * last 25 ms. One that can't be written goes to the hub's own log.
   */
  note(entry: AuditEntry): void {
    this.#gathered.push(this.#options.recorder.eventOf("sallyport.audit", entry.target, entry));
    if (this.#gathered.length >= maxGathered) this.#write();
    else this.#timer ??= this.#options.clock.after(gatherMs, () => this.#write());
  }

  /** Resolves when all that was noted until now is written; call it before reading the audit. */
  async written(): Promise<void> {
    this.#write();
    await Promise.all(this.#writing);
  }

  /** Resolves when nothing that was noted waits any more; for the end. */
  async settled(): Promise<void> {
    this.#write();
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const events = this.#gathered;
    if (events.length === 0) return;
    this.#gathered = [];
    const { recorder, logger } = this.#options;
    const writing = recorder.append(events).then(
      () => undefined,
      (err: unknown) => {
        for (const { data } of events) logger.error({ err, entry: data }, "audit.not_recorded");
      },
    );
    this.#writing.add(writing);
    void writing.then(() => this.#writing.delete(writing));
  }
}
