import type { Logger } from "pino";
import type { LogEvent } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { RolloutRow } from "./rollout-rows.ts";
import type { RolloutStore } from "./rollout-store.ts";

/** What the announcer needs. */
export interface RolloutAnnouncerOptions {
  store: Pick<RolloutStore, "listUnannounced" | "markAnnounced" | "counts">;
  recorder: Pick<Recorder, "append" | "eventOf">;
  logger: Logger;
}

/**
 * Writes into the log that rollouts were created and have ended. The store keeps what is not there yet, and an event's id is made of its
 * rollout's, so a kill between the two neither loses an event nor has it twice.
 */
export class RolloutAnnouncer {
  readonly #options: RolloutAnnouncerOptions;

  constructor(options: RolloutAnnouncerOptions) {
    this.#options = options;
  }

  /** Announces all that is not in the log yet. @returns false when that failed and is left for later; never rejects */
  async announce(): Promise<boolean> {
    const { store, recorder, logger } = this.#options;
    try {
      for (let some = store.listUnannounced(); some.length > 0; some = store.listUnannounced()) {
        await recorder.append(some.flatMap((row) => this.#eventsOf(row)));
        for (const row of some) store.markAnnounced(row, row.ended_at_ms === null ? 1 : 2);
      }
      return true;
    } catch (err) {
      logger.error({ err }, "rollouts.not_announced");
      return false;
    }
  }

  #eventsOf(row: RolloutRow): LogEvent[] {
    const { store, recorder } = this.#options;
    const { id, name, method, path, targets, reason } = row;
    const facts = { id, name, method, path, targets };
    const subject = `/rollouts/${id}`;
    const made = [];
    if (row.announced < 1) {
      const data = { ...facts, createdBy: row.created_by };
      const event = recorder.eventOf("sallyport.rollout.created", subject, data);
      made.push({ ...event, id: `rollout.${id}.created` });
    }
    if (row.ended_at_ms !== null) {
      const counts = Object.fromEntries(Object.entries(store.counts(row)).filter(([, count]) => count > 0));
      const event =
        row.state === "aborted"
          ? recorder.eventOf("sallyport.rollout.aborted", subject, { ...facts, counts, reason: reason ?? "" })
          : recorder.eventOf("sallyport.rollout.finished", subject, { ...facts, counts });
      made.push({ ...event, id: `rollout.${id}.ended` });
    }
    return made;
  }
}
