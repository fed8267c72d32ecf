import type { EventLog, StoredEvent } from "../log/log.ts";
import { digestOf } from "./digest.ts";

/** What the memory of recent items needs. */
export interface RecentItemsOptions {
  log: Pick<EventLog, "select" | "positionAt" | "lastPosition" | "subscribe">;
  /** How long a resend may come after what it repeats, ms. */
  windowMs: number;
  /** Items that are remembered at most; with more in the window, the oldest are forgotten and their resends are stored again. */
  maxItems: number;
  /** Epoch ms. */
  now: () => number;
}

interface RecentItem {
  digest: string;
  timeMs: number;
}

const notificationTypes = ["netbackup."];
const pageEvents = 1_000;

/**
 * What the last notifications about each job and image said, for as long as a resend may come. In memory, since it is asked for every
 * notification; read from the log at the start.
 */
export class RecentItems implements Disposable {
  readonly #options: RecentItemsOptions;
  readonly #unsubscribe: () => void;
  /** Two halves: what comes goes into the young one; when that is full or as old as the window, the old one is forgotten. */
  #old = new Map<string, RecentItem[]>();
  #young = new Map<string, RecentItem[]>();
  #youngItems = 0;
  #youngSinceMs: number;

  private constructor(options: RecentItemsOptions) {
    this.#options = options;
    this.#youngSinceMs = options.now();
    this.#unsubscribe = options.log.subscribe((events) => this.#take(events));
  }

  /** Reads what of the log is within the window, its newest `maxItems` at most, and keeps up from then on. */
  static async load(options: RecentItemsOptions): Promise<RecentItems> {
    const { log, now, windowMs, maxItems } = options;
    const since = await log.positionAt(new Date(now() - windowMs).toISOString());
    const last = await log.lastPosition();
    // Nothing is appended before the hub listens, so that this and what is subscribed to do not overlap.
    const items = new RecentItems(options);
    for (let after = Math.max(since, last - maxItems) - 1; after < last;) {
      const { events, scannedTo } = await log.select({ after, limit: pageEvents, types: notificationTypes });
      items.#take(events);
      after = scannedTo;
    }
    return items;
  }

  /**
   * The digests of the newest items of a subject within the window, oldest first.
   * @param source the primary that told it, as in its events
   */
  latest(source: string, subject: string, limit: number): string[] {
    const key = keyOf(source, subject);
    const old = this.#old.get(key);
    const young = this.#young.get(key);
    if (old === undefined && young === undefined) return [];
    const sinceMs = this.#options.now() - this.#options.windowMs;
    const all = [...(old ?? []), ...(young ?? [])].filter(({ timeMs }) => timeMs >= sinceMs);
    return all.slice(-limit).map(({ digest }) => digest);
  }

  /** Takes no more; calling it again does nothing. */
  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #take(events: readonly StoredEvent[]): void {
    for (const event of events) {
      if (!event.type.startsWith("netbackup.")) continue;
      const { source, subject, data, time } = event;
      const item = { digest: digestOf(data), timeMs: Date.parse(time) };
      const key = keyOf(source, subject);
      const items = this.#young.get(key);
      if (items === undefined) this.#young.set(key, [item]);
      else items.push(item);
      this.#youngItems += 1;
      if (this.#isYoungFull()) this.#turn();
    }
  }

  #isYoungFull(): boolean {
    const { maxItems, windowMs, now } = this.#options;
    return this.#youngItems >= maxItems / 2 || now() - this.#youngSinceMs >= windowMs;
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngItems = 0;
    this.#youngSinceMs = this.#options.now();
  }
}

function keyOf(source: string, subject: string): string {
  return `${source}\n${subject}`;
}
