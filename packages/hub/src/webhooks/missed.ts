import { setImmediate as nextTurn } from "node:timers/promises";
import type { Missed } from "../feed/feed.ts";
import type { EventLog } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { DeliveryRow } from "./delivery-schema.ts";
import type { DeliveryStore } from "./delivery-store.ts";
import type { Lane } from "./lane.ts";

/** What announcing needs. */
export interface MissedOptions {
  log: Pick<EventLog, "get">;
  recorder: Pick<Recorder, "append" | "eventOf">;
  store: DeliveryStore;
  /** Epoch ms. */
  now: () => number;
  /** Whether the webhook is still there. */
  isThere: (lane: Lane) => boolean;
  /** Counts what was announced. */
  announced: () => void;
}

/** Deliveries that are looked through at a time when the event of one is gone. */
const batch = 1_000;
const lostText = "the log no longer has this event: retention has deleted it before it could be delivered";

/**
 * Says what a webhook will not get because the log no longer has it, in the feed and to the receiver itself: once for each range, and never
 * as a failure of the receiver.
 */
export class MissedEvents {
  readonly #options: MissedOptions;

  constructor(options: MissedOptions) {
    this.#options = options;
  }

  /** Announces a range. Announced again, after a kill, it is stored once. @throws HubError `log_busy` or `log_failed` */
  async announce(lane: Lane, { from, to }: Missed): Promise<void> {
    const { recorder, store, now, isThere, announced } = this.#options;
    const { id } = lane;
    const event = recorder.eventOf("sallyport.webhook.missed", `/webhooks/${id}`, { id, from, to });
    const [appended] = await recorder.append([{ ...event, id: `webhook.${id}.missed.${from}.${to}` }]);
    if (appended === undefined) throw new TypeError("the log answered no position for one event");
    // Deleted meanwhile: nothing of it may be kept any more.
    if (!isThere(lane)) return;
    lane.receiver = { ...lane.receiver, missed_to: Math.max(lane.receiver.missed_to, to) };
    const delivery = { webhookId: id, event: { ...event, position: appended.position } };
    store.take([delivery], now(), { receivers: new Map([[id, lane.receiver]]) });
    announced();
  }

  /** Gives up a delivery whose event is gone, and those near it that share its fate. */
  async lose(lane: Lane, delivery: Pick<DeliveryRow, "serial" | "position">): Promise<void> {
    const { log, store, now } = this.#options;
    const gone = [];
    for (const [index, row] of store.pendingFrom(lane.id, delivery.position, batch).entries()) {
      const isGone = (await log.get(row.position))?.type !== row.type;
      if (isGone || row.serial === delivery.serial) gone.push(row);
      if (index % 100 === 99) await nextTurn();
    }
    const positions = gone.map((row) => row.position);
    if (positions.length === 0) return;
    await this.announce(lane, { from: Math.min(...positions), to: Math.max(...positions) });
    store.lose(gone, now(), lostText);
  }
}
