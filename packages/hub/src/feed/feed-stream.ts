import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { StoredEvent } from "../log/log.ts";
import type { Feed } from "./feed.ts";
import { matches, type FeedFilter } from "./feed-filter.ts";
import { toPublic, type CloudEvent } from "./public-events.ts";

/** Why the hub ended a stream. */
export type CutCode = "slow" | "refused" | "stopping" | "failed";

/** What a reader's stream is made of. */
export interface FeedStreamOptions {
  feed: Pick<Feed, "page">;
  response: Pick<
    ServerResponse,
    "write" | "end" | "destroy" | "writableLength" | "writableNeedDrain" | "once"
  >;
  filter: FeedFilter;
  after: number;
  maxBufferBytes: number;
  pageEvents: number;
  /** Told when it ends; with a code when it was the hub that ended it. */
  ended: (code: CutCode | undefined) => void;
}

/** Beats without the reader having taken anything before it is cut off. */
const maxStalledBeats = 2;

/**
 * One reader of the feed by server-sent events: first what is in the log, at the reader's own pace, then what is committed, as it comes;
 * nothing twice and nothing left out. A reader that does not keep up is told so and cut off; it goes on with `Last-Event-ID`.
 */
export class FeedStream {
  readonly #options: FeedStreamOptions;
  #filter: FeedFilter;
  /** All up to here was written, or did not match. */
  #position: number;
  /** The newest position that was committed since the stream began. */
  #committed = 0;
  #isLive = false;
  #isOpen = true;
  #stalledBeats = 0;
  #wake: (() => void) | undefined;

  constructor(options: FeedStreamOptions) {
    this.#options = options;
    this.#filter = options.filter;
    this.#position = options.after;
    options.response.once("close", () => this.#end(undefined));
    options.response.once("error", () => this.#end(undefined));
  }

  /** Writes what is in the log after the reader's position, then goes over to what comes. Never rejects. */
  async run(): Promise<void> {
    try {
      while (this.#isOpen && !this.#isLive) await this.#catchUp();
    } catch {
      // The log can't be read, which whoever writes to it tells too.
      this.cut("failed", "the hub's log can't be read");
    }
  }

  /** Takes what was committed. Must not throw. */
  take(events: readonly StoredEvent[]): void {
    this.#committed = events.at(-1)?.position ?? this.#committed;
    // What comes while the log is still read is read with the rest.
    if (!this.#isLive || !this.#isOpen) return;
    for (const event of events) {
      if (!matches(this.#filter, event)) continue;
      const shown = toPublic(event);
      if (shown !== undefined) this.#options.response.write(frameOf(shown));
    }
    this.#position = this.#committed;
    if (this.#options.response.writableLength > this.#options.maxBufferBytes) {
      this.cut("slow", "the reader is too slow; go on with the last id that came");
    }
  }

  /** What the reader may see has changed. */
  setFilter(filter: FeedFilter): void {
    this.#filter = filter;
  }

  /** Shows that the stream lives, and how far it is; cuts off a reader that has stopped to read. */
  beat(): void {
    if (!this.#isOpen) return;
    this.#stalledBeats = this.#options.response.writableNeedDrain ? this.#stalledBeats + 1 : 0;
    if (this.#stalledBeats >= maxStalledBeats) {
      this.cut("slow", "the reader takes nothing; go on with the last id that came");
    } else if (this.#stalledBeats === 0) {
      this.#options.response.write(`: beat\nid: ${this.#position}\n\n`);
    }
  }

  /** Ends the stream with a last event that says why; calling it again does nothing. */
  cut(code: CutCode, reason: string): void {
    if (!this.#isOpen) return;
    this.#options.response.write(`event: cut\ndata: ${JSON.stringify({ reason, code })}\n\n`);
    this.#options.response.end();
    this.#end(code);
  }

  async #catchUp(): Promise<void> {
    const { feed, response, pageEvents } = this.#options;
    const { data, next, more, missed } = await feed.page(this.#filter, this.#position, pageEvents);
    if (!this.#isOpen) return;
    if (missed !== null) response.write(`event: missed\ndata: ${JSON.stringify(missed)}\n\n`);
    const frames = data.map(frameOf).join("");
    if (frames !== "") response.write(frames);
    this.#position = next;
    if (response.writableNeedDrain) await this.#drained();
    // Others get their turn while a long log is looked through.
    else if (more) await nextTurn();
    // Nothing can be committed between this look and the change: there is no gap.
    this.#isLive = !more && this.#committed <= next;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#options.response.once("drain", resolve);
    });
  }

  #end(code: CutCode | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#wake?.();
    this.#options.ended(code);
  }
}

function frameOf(event: CloudEvent): string {
  return `id: ${event.position}\ndata: ${JSON.stringify(event)}\n\n`;
}
