import type { NotificationRequest } from "@sallyport/nbwss";
import type { EventLog, LogEvent } from "../log/log.ts";
import type { StandingChange } from "../log/standings.ts";
import { toIncomingItems, type IncomingItem } from "./notification-events.ts";
import { overlap } from "./overlap.ts";
import type { RecentItems } from "./recent-items.ts";

/** What the inbox needs. */
export interface InboxOptions {
  log: Pick<EventLog, "append">;
  recent: Pick<RecentItems, "latest">;
  /** Epoch ms. */
  now: () => number;
}

/** What became of a notification. */
export interface Received {
  stored: number;
  duplicates: number;
}

/** What is stored with a notification, in its transaction. */
export interface StoredAlong {
  /** Events that go before its items. */
  before?: readonly LogEvent[] | undefined;
  change?: StandingChange | undefined;
}

/** Items of one subject that are on their way to the disk. */
interface Underway {
  digests: string[];
  /** The append that carries the newest of them. */
  committed: Promise<unknown>;
}

/** Takes notifications in: each item once into the log (NBWSS, NOTIFICATION). */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #underway = new Map<string, Underway>();
  readonly #waiting = new Set<{ sinceMs: number }>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /**
   * Stores what is new of a notification. When the promise resolves all its items are on disk, now or since before, and it
   * may be acknowledged. A resend with the same id is known by the events' ids; one with a new id by its content, when it
   * repeats the newest items of the same job or image within the window.
   * @throws HubError `log_busy`, `log_failed` or `out_of_sequence`: it must not be acknowledged
   */
  async receive(
    primaryId: string,
    notification: NotificationRequest,
    along: StoredAlong = {},
  ): Promise<Received> {
    const waiting = { sinceMs: this.#options.now() };
    this.#waiting.add(waiting);
    try {
      return await this.#store(primaryId, notification, along);
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /** Since when the oldest notification that is not stored yet waits, epoch ms; null when none does. */
  get waitingSinceMs(): number | null {
    const [oldest] = this.#waiting;
    return oldest?.sinceMs ?? null;
  }

  async #store(
    primaryId: string,
    notification: NotificationRequest,
    { before = [], change }: StoredAlong,
  ): Promise<Received> {
    const time = new Date(this.#options.now()).toISOString();
    const items = toIncomingItems(primaryId, notification, time);
    const waitFor: Promise<unknown>[] = [];
    const repeated = new Set<IncomingItem>();
    for (const group of bySubject(items)) {
      const { count, committed } = this.#repeats(group, change?.kind === "advance");
      for (const item of group.slice(0, count)) repeated.add(item);
      if (count > 0 && committed !== undefined) waitFor.push(committed);
    }
    const fresh = items.filter((item) => !repeated.has(item));
    const appending = this.#options.log.append([...before, ...fresh.map(({ event }) => event)], change);
    this.#track(fresh, appending);
    const [appended] = await Promise.all([appending, ...waitFor]);
    const stored = appended.slice(before.length).filter(({ duplicate }) => !duplicate).length;
    return { stored, duplicates: items.length - stored };
  }

  /**
   * How many of the first items of one subject are a resend, and which append to wait for before they may be acknowledged.
   * @param isNumbered what is stored is then said to the primary as a position, so only what is on the disk is left out; what is on its way there is known
   *   by its id, since numbered notifications keep theirs
   */
  #repeats(
    group: readonly IncomingItem[],
    isNumbered: boolean,
  ): { count: number; committed?: Promise<unknown> } {
    const [first] = group;
    if (first === undefined || !first.hasSubject) return { count: 0 };
    const { source, subject } = first.event;
    const underway = isNumbered ? undefined : this.#underway.get(keyOf(first));
    const stored = this.#options.recent.latest(source, subject, group.length);
    const count = overlap(
      [...stored, ...(underway?.digests ?? [])],
      group.map(({ digest }) => digest),
    );
    return underway === undefined ? { count } : { count, committed: underway.committed };
  }

  #track(fresh: readonly IncomingItem[], appending: Promise<unknown>): void {
    for (const group of bySubject(fresh)) {
      const [first] = group;
      if (first === undefined || !first.hasSubject) continue;
      const key = keyOf(first);
      const before = this.#underway.get(key)?.digests ?? [];
      const entry = { digests: [...before, ...group.map(({ digest }) => digest)], committed: appending };
      this.#underway.set(key, entry);
      const forget = () => {
        if (this.#underway.get(key) === entry) this.#underway.delete(key);
      };
      // A failure is `receive`'s to report; here it only ends the wait.
      appending.then(forget, forget);
    }
  }
}

function bySubject(items: readonly IncomingItem[]): IncomingItem[][] {
  return [...Map.groupBy(items, keyOf).values()];
}

function keyOf({ event }: IncomingItem): string {
  return `${event.source}\n${event.subject}`;
}
