import type { Logger } from "pino";
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
 * Writes into the log that stored commands have ended. The store keeps which ends are not there yet, and an event's id is that of its
 * command, so a kill between the two neither loses an end nor has it twice.
 */
export class CommandAnnouncer {
  readonly #options: CommandAnnouncerOptions;
  readonly #announcing = new Set<Promise<boolean>>();
  #leftOver: Promise<void> | undefined;

  constructor(options: CommandAnnouncerOptions) {
    this.#options = options;
  }

  /** Announces these; resolves with whether that worked, never rejects. What did not is left over. */
  announce(finished: readonly FinishedFacts[]): Promise<boolean> {
    const announcing = this.#announce(finished);
    this.#announcing.add(announcing);
    void announcing.then(() => this.#announcing.delete(announcing));
    return announcing;
  }

  /** Announces what a kill, or a log that could not be written, has left; stops at the first failure. Never rejects. */
  announceLeftOver(): Promise<void> {
    this.#leftOver ??= this.#announceLeftOver().finally(() => (this.#leftOver = undefined));
    return this.#leftOver;
  }

  /** Resolves when nothing is being announced. */
  async settled(): Promise<void> {
    await this.#leftOver;
    while (this.#announcing.size > 0) await Promise.all(this.#announcing);
  }

  async #announceLeftOver(): Promise<void> {
    const { store, logger } = this.#options;
    try {
      for (let some = store.listUnannounced(); some.length > 0; some = store.listUnannounced()) {
        if (!(await this.announce(some))) return;
      }
    } catch (err) {
      logger.error({ err }, "commands.not_announced");
    }
  }

  async #announce(finished: readonly FinishedFacts[]): Promise<boolean> {
    const { store, recorder, logger } = this.#options;
    try {
      await recorder.append(finished.map((facts) => this.#eventOf(facts)));
      store.markAnnounced(finished.map(({ id }) => id));
      return true;
    } catch (err) {
      logger.error({ err, commands: finished.length }, "commands.not_announced");
      return false;
    }
  }

  #eventOf(facts: FinishedFacts): LogEvent {
    const { id, primaryId, method, path, state, status } = facts;
    const data = { id, primaryId, method, path, state, status };
    const event = this.#options.recorder.eventOf(
      "sallyport.command.finished",
      `/primaries/${primaryId}`,
      data,
    );
    return { ...event, id: `command.${id}.finished` };
  }
}
