import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { HubLimits } from "../config/limits.ts";
import type { Feed } from "../feed/feed.ts";
import type { EventLog } from "../log/log.ts";
import type { DeliveryStore } from "./delivery-store.ts";
import type { Intake } from "./intake.ts";
import type { Lane } from "./lane.ts";
import type { Lanes } from "./lanes.ts";
import type { MissedEvents } from "./missed.ts";

/** What catching up needs. */
export interface CatchUpOptions {
  log: Pick<EventLog, "select">;
  feed: Pick<Feed, "missed">;
  lanes: Lanes;
  store: DeliveryStore;
  intake: Pick<Intake, "reached">;
  missed: Pick<MissedEvents, "announce">;
  limits: Pick<HubLimits, "maxPendingDeliveries" | "webhookRetryMs">;
  clock: Clock;
  logger: Logger;
  wake: (lane: Lane) => void;
}

/** Events that are read for one webhook at a time. */
const pageEvents = 200;

/**
 * Reads on for webhooks that were behind because too much waited for them, once half of that is done: a page for each in turn, so that
 * none waits for another's backlog.
 */
export class CatchUp implements AsyncDisposable {
  readonly #options: CatchUpOptions;
  readonly #waiting = new Set<Lane>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** To be called when something was delivered, or given up. */
  consider(lane: Lane): void {
    if (lane.receiver.behind === null || this.#closed || !this.#hasRoom(lane)) return;
    this.#waiting.add(lane);
    this.#running ??= this.#run();
  }

  /** Ends after the page that is under way; calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    for (const lane of this.#waiting) {
      this.#waiting.delete(lane);
      if (this.#closed) break;
      try {
        if (await this.#step(lane)) this.#waiting.add(lane);
        else this.#options.wake(lane);
      } catch (err) {
        const { clock, limits, logger } = this.#options;
        logger.error({ err, webhook: lane.id }, "webhook.not_caught_up");
        clock.after(limits.webhookRetryMs, () => this.consider(lane));
      }
      await nextTurn();
    }
    this.#running = undefined;
  }

  /** Takes one page in. Returns whether there is more to do at once. */
  async #step(lane: Lane): Promise<boolean> {
    const { log, feed, lanes, store, intake, missed, clock } = this.#options;
    const { behind, missed_to: missedTo } = lane.receiver;
    if (behind === null || !lanes.has(lane)) return false;
    const { filter } = lane;
    const gone = feed.missed(filter, Math.max(behind, missedTo));
    if (gone !== null) {
      await missed.announce(lane, gone);
      return true;
    }
    const { types, sources } = filter;
    const limit = Math.min(pageEvents, store.room(lane.id));
    const page = { after: behind, before: intake.reached + 1, limit, types, sources };
    const { events, scannedTo } = await log.select(page);
    // Whoever changed the webhook meanwhile, or asked for a replay, goes first.
    if (!lanes.has(lane)) return false;
    if (lane.filter !== filter || lane.receiver.behind !== behind) return true;
    const found = events.filter((event) => lane.wants(event));
    if (found.length > store.room(lane.id)) return false;
    const isLive = scannedTo >= intake.reached;
    const receiver = { ...lane.receiver, behind: isLive ? null : scannedTo };
    store.take(
      found.map((event) => ({ webhookId: lane.id, event })),
      clock.now(),
      { receivers: new Map([[lane.id, receiver]]) },
    );
    lane.receiver = receiver;
    this.#options.wake(lane);
    return !isLive && this.#hasRoom(lane);
  }

  #hasRoom(lane: Lane): boolean {
    const { store, limits } = this.#options;
    return store.room(lane.id) >= Math.max(limits.maxPendingDeliveries / 2, 1);
  }
}
