import type { Logger } from "pino";
import { maxAuditedPathCharacters } from "../audit/audit-events.ts";
import type { LogEvent } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { CommandStore, FinishedFacts } from "./command-store.ts";

/** What the announcer needs. */
export interface CommandAnnouncerOptions {
  store: Pick<CommandStore, "listUnannounced" | "markAnnounced">;
  recorder: Pick<Recorder, "append" | "eventOf">;
  logger: Logger;
}

/**
 * Writes into the log that stored commands have ended: as an event, and into the audit. The store keeps which ends are not there yet, and
 * the ids of what is written are made of the command's, so a kill between the two neither loses an end nor has it twice.
 */
export class CommandAnnouncer {
  readonly #options: CommandAnnouncerOptions;
  #announcing: Promise<void> | undefined;
  #isWanted = false;

  constructor(options: CommandAnnouncerOptions) {
    this.#options = options;
  }

  /** Announces every end that is not in the log; stops at the first failure, to be called again later. */
  announce(): void {
    this.#isWanted = true;
    this.#announcing ??= this.#announceWanted();
  }

  /** Resolves when nothing is being announced. */
  async settled(): Promise<void> {
    while (this.#announcing !== undefined) await this.#announcing;
  }

  /** Never rejects. */
  async #announceWanted(): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        await this.#announceAll();
      }
    } catch (err) {
      this.#options.logger.error({ err }, "commands.not_announced");
    } finally {
      this.#announcing = undefined;
    }
  }

  async #announceAll(): Promise<void> {
    const { store, recorder } = this.#options;
    for (let some = store.listUnannounced(); some.length > 0; some = store.listUnannounced()) {
      await recorder.append(some.flatMap((facts) => this.#eventsOf(facts)));
      store.markAnnounced(some.map(({ id }) => id));
    }
  }

  #eventsOf({ id, primaryId, method, path, state, status, caller, from }: FinishedFacts): LogEvent[] {
    const { recorder } = this.#options;
    const target = `/primaries/${primaryId}`;
    const data = { id, primaryId, method, path, state, status };
    const finished = recorder.eventOf("sallyport.command.finished", target, data);
    const audited = recorder.eventOf("sallyport.audit", target, {
      actor: caller,
      from,
      action: `command ${method} ${path.slice(0, maxAuditedPathCharacters)}`,
      target,
      result: state,
      status,
      requestId: id,
    });
    return [
      { ...finished, id: `command.${id}.finished` },
      { ...audited, id: `command.${id}.audited` },
    ];
  }
}
