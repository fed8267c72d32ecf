import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { HubLimits } from "../config/limits.ts";
import { isPublicType } from "../feed/public-events.ts";
import type { EventLog, StoredEvent } from "../log/log.ts";
import type { DeliveryStore, NewDelivery, ReceiverState } from "./delivery-store.ts";
import type { Lane } from "./lane.ts";
import type { Lanes } from "./lanes.ts";

/** What the intake is made of. */
export interface IntakeOptions {
  log: Pick<EventLog, "subscribe" | "read" | "lastPosition">;
  lanes: Lanes;
  store: DeliveryStore;
  limits: Pick<HubLimits, "webhookRetryMs" | "webhookGatherMs">;
  clock: Clock;
  logger: Logger;
  /** There may be something to send. */
  wake: (lane: Lane) => void;
}

/** Events that wait in memory to be taken in; more are read from the log again. */
const maxBuffered = 5_000;
/** Events that are read from the log at a time, at most. */
const pageEvents = 500;
/** Events times webhooks that are looked at, and maybe written, in one go: some tens of milliseconds when every one matches. */
const maxPairs = 2_000;
/** How far the intake may be ahead of what it has written down, in positions: so much is looked through again after a kill. */
const maxUnwritten = 1_000;

/**
 * Looks at each event of the log once for all webhooks together, and queues it for those that want it. What is committed is taken as
 * it comes; after a start, or when there was too much, the log itself is read.
 */
export class Intake implements AsyncDisposable {
  readonly #options: IntakeOptions;
  #unsubscribe: (() => void) | undefined;
  #committed = 0;
  #reached = 0;
  #written = 0;
  #isLive = false;
  #buffer: StoredEvent[] = [];
  #gathering: Timer | undefined;
  #retry: Timer | undefined;
  #reading: Promise<void> | undefined;
  #mustRead = false;
  #closed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** The position up to which the log was looked through for all webhooks that are not behind. */
  get reached(): number {
    return this.#reached;
  }

  /** Goes on where it was. */
  async start(): Promise<void> {
    const { log, lanes, store } = this.#options;
    lanes.load();
    this.#unsubscribe = log.subscribe((events) => this.#onCommit(events));
    const last = await log.lastPosition();
    this.#committed = Math.max(this.#committed, last);
    const oldest = Math.min(...[...lanes.all()].map(({ webhook }) => webhook.position));
    // Where an older log was put back, it is behind what was reached.
    this.#reached = Math.min(store.reached ?? oldest, this.#committed);
    this.#written = this.#reached;
    if (lanes.isEmpty) this.#skipTo(this.#committed);
    else this.#read();
  }

  /** Writes down how far it is; calling it again does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#unsubscribe?.();
    this.#flush(this.#committed, true);
    this.#closed = true;
    this.#gathering?.cancel();
    this.#retry?.cancel();
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Must not throw. What comes before a change goes by what was before it. */
  #onCommit(events: readonly StoredEvent[]): void {
    const { lanes } = this.#options;
    for (const event of events) {
      const { type, position } = event;
      this.#committed = position;
      const isOfWebhooks = type.startsWith("sallyport.webhook.");
      if (!isOfWebhooks && lanes.isEmpty) {
        this.#skipTo(position);
        continue;
      }
      const isOfPrimaries = type.startsWith("sallyport.primary.");
      if (isOfPrimaries && type !== "sallyport.primary.deleted") lanes.labelsChanged();
      if (this.#isLive && isPublicType(type)) this.#buffer.push(event);
      if (isOfWebhooks) {
        this.#flush(position, true);
        this.#changed(event);
      } else if (isOfPrimaries) {
        this.#flush(position, false);
        lanes.labelsChanged();
      }
    }
    if (this.#buffer.length > maxBuffered) this.#fallBack();
    else if (this.#buffer.length > 0) this.#gather();
  }

  #changed({ data }: StoredEvent): void {
    const { lanes, wake } = this.#options;
    const { id } = data as { id: string };
    const isFirst = lanes.isEmpty;
    lanes.changed(id);
    if (isFirst) this.#skipTo(this.#committed);
    if (!lanes.refresh()) {
      this.#fallBack();
      return;
    }
    const lane = lanes.get(id);
    if (lane !== undefined) wake(lane);
  }

  /** There is nobody to take anything in for. */
  #skipTo(position: number): void {
    this.#buffer = [];
    this.#reached = Math.max(this.#reached, position);
    this.#isLive = true;
  }

  #gather(): void {
    const { clock, limits } = this.#options;
    this.#gathering ??= clock.after(limits.webhookGatherMs, () => {
      this.#gathering = undefined;
      this.#flush(this.#committed, false);
    });
  }

  /** Takes in what was gathered, up to a position. Never throws: what can't be written is read from the log later. */
  #flush(upTo: number, mustWrite: boolean): void {
    if (!this.#isLive || this.#closed) return;
    const { lanes } = this.#options;
    const events = this.#buffer;
    this.#buffer = [];
    if (this.#withinBound(events).length < events.length) {
      // Others get their turn while it is read, page by page.
      this.#isLive = false;
      this.#read();
      return;
    }
    try {
      if (lanes.refresh()) this.#take(events, upTo, mustWrite);
      else this.#fallBack();
    } catch (err) {
      this.#options.logger.error({ err }, "webhooks.not_taken");
      this.#fallBack();
    }
  }

  /** From now on the log is read, from where the intake was; later, so that what went wrong may pass. */
  #fallBack(): void {
    const { clock, limits } = this.#options;
    this.#isLive = false;
    this.#buffer = [];
    if (this.#closed) return;
    this.#retry?.cancel();
    this.#retry = clock.after(limits.webhookRetryMs, () => this.#read());
  }

  #read(): void {
    this.#mustRead = true;
    this.#reading ??= this.#readOn();
  }

  /** Never rejects. Asked for while it runs, it looks once more: nobody else will. */
  async #readOn(): Promise<void> {
    while (this.#mustRead && !this.#closed) {
      this.#mustRead = false;
      await this.#catchUp();
    }
    this.#reading = undefined;
  }

  /** Never rejects. */
  async #catchUp(): Promise<void> {
    const { log, lanes, logger, wake } = this.#options;
    try {
      for (let limit = pageEvents; !this.#closed && !this.#isLive;) {
        const read = await log.read({ after: this.#reached, limit });
        if (this.#closed || this.#isLive) return;
        if (!lanes.refresh()) {
          this.#fallBack();
          return;
        }
        const events = this.#withinBound(read);
        const last = events.at(-1)?.position ?? this.#reached;
        this.#take(
          events.filter(({ type }) => isPublicType(type)),
          last,
          false,
        );
        // Nothing can be committed between this look and the change: there is no gap.
        if (read.length < limit && this.#committed <= last) this.#isLive = true;
        else await nextTurn();
        limit = Math.min(Math.max(events.length * 2, 1), pageEvents);
      }
      // Some may have changed while they could not be read.
      for (const lane of lanes.all()) wake(lane);
    } catch (err) {
      logger.error({ err }, "webhooks.not_taken");
      this.#fallBack();
    }
  }

  /** So many of the first events as can be looked at in one go. */
  #withinBound(events: readonly StoredEvent[]): readonly StoredEvent[] {
    const { lanes } = this.#options;
    let pairs = 0;
    for (const [index, { type }] of events.entries()) {
      pairs += isPublicType(type) ? lanes.wanting(type).length : 0;
      if (pairs > maxPairs) return events.slice(0, Math.max(index, 1));
    }
    return events;
  }

  #take(events: readonly StoredEvent[], upTo: number, mustWrite: boolean): void {
    const { lanes, store, clock, wake } = this.#options;
    const found: NewDelivery[] = [];
    const counts = new Map<Lane, number>();
    const behind = new Map<Lane, number>();
    for (const event of events) {
      for (const lane of lanes.wanting(event.type)) {
        if (lane.receiver.behind !== null || behind.has(lane) || !lane.wants(event)) continue;
        const count = counts.get(lane) ?? 0;
        if (count >= store.room(lane.id)) {
          behind.set(lane, event.position - 1);
          continue;
        }
        counts.set(lane, count + 1);
        found.push({ webhookId: lane.id, event });
      }
    }
    const receivers = new Map<string, ReceiverState>();
    for (const [lane, position] of behind) receivers.set(lane.id, { ...lane.receiver, behind: position });
    if (found.length > 0 || behind.size > 0 || mustWrite || upTo - this.#written > maxUnwritten) {
      store.take(found, clock.now(), { reached: upTo, receivers });
      this.#written = upTo;
    }
    this.#reached = Math.max(this.#reached, upTo);
    for (const [lane, position] of behind) lane.receiver = { ...lane.receiver, behind: position };
    for (const lane of counts.keys()) wake(lane);
  }
}
