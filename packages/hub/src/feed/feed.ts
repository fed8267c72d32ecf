import type { Scope } from "../access/roles.ts";
import type { EventLog } from "../log/log.ts";
import type { PrimariesView } from "../views/primaries.ts";
import type { TrimmedView } from "../views/trimmed.ts";
import { isWithin, toFilter, type FeedFilter, type FeedWish } from "./feed-filter.ts";
import { toPublic, type CloudEvent } from "./public-events.ts";

export type { CloudEvent } from "./public-events.ts";

/** Positions that a reader was too late for, both ends included. */
export interface Missed {
  from: number;
  to: number;
}

/** One page of the feed. */
export interface NotificationPage {
  data: CloudEvent[];
  /** What `after` has to be for the next page. */
  next: number;
  /** Whether there may be more already: a page may be short, or empty, where few of many events match. */
  more: boolean;
  /** The newest position of the log, whoever may see what is there: where to begin for what comes from now on. */
  last: number;
  /** What matched between these positions was deleted before it was read; null when nothing. */
  missed: Missed | null;
}

/** What the feed reads. */
export interface FeedOptions {
  log: Pick<EventLog, "select" | "positionAt" | "lastPosition">;
  trimmed: Pick<TrimmedView, "list">;
  primaries: Pick<PrimariesView, "list">;
}

/** Times grow with positions, but for steps of the clock up to this, ms. */
const clockStepMs = 60_000;

/** What happened, for those who may see it: a page costs the same however long the log is. */
export class Feed {
  readonly #options: FeedOptions;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** What somebody with this scope gets of what they want, by the primaries and labels there are now. */
  filterFor(scope: Scope, wish: FeedWish): FeedFilter {
    return toFilter(wish, scope, () => this.#options.primaries.list());
  }

  /** One page of events after a position. `next` never stands still while there is more. */
  async page(filter: FeedFilter, after: number, limit: number): Promise<NotificationPage> {
    const { log } = this.#options;
    const [from, before] = await this.#bounds(filter, after);
    const { types, sources } = filter;
    const last = await log.lastPosition();
    const { events, scannedTo } = await log.select({ after: from, before, limit, types, sources });
    const more = scannedTo < Math.min(last, before - 1);
    const data = events
      .filter(({ time }) => isWithin(filter, time))
      .map(toPublic)
      .filter((event) => event !== undefined);
    return {
      data,
      // What is newer than the wanted time does not match either.
      next: Math.max(after, scannedTo, more ? 0 : last),
      more,
      last,
      missed: this.missed(filter, after),
    };
  }

  /** What matched after a position and is gone. */
  missed({ types, sources, since }: FeedFilter, after: number): Missed | null {
    if (sources?.size === 0) return null;
    const gone = this.#options.trimmed
      .list()
      .filter(
        (kind) =>
          kind.before - 1 > after &&
          (since === undefined || kind.until >= since) &&
          kind.types.some((a) => types.some((b) => a.startsWith(b) || b.startsWith(a))),
      );
    if (gone.length === 0) return null;
    return { from: after + 1, to: Math.max(...gone.map(({ before }) => before - 1)) };
  }

  /** Between which positions the events of the wanted time are: more than `from`, less than `before`. */
  async #bounds({ since, until }: FeedFilter, after: number): Promise<[from: number, before: number]> {
    const { log } = this.#options;
    const shifted = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString();
    const from = since === undefined ? 0 : (await log.positionAt(shifted(since, -clockStepMs))) - 1;
    const before = until === undefined ? Infinity : await log.positionAt(shifted(until, clockStepMs));
    return [Math.max(after, from), before];
  }
}
