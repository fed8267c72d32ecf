import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Caller } from "../access/roles.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { EventLog, StoredEvent } from "../log/log.ts";
import type { Feed } from "./feed.ts";
import type { FeedWish } from "./feed-filter.ts";
import type { FeedMetrics } from "./feed-metrics.ts";
import { FeedStream, type CutCode } from "./feed-stream.ts";

/** What the streams need. */
export interface FeedStreamsOptions {
  feed: Pick<Feed, "page" | "filterFor">;
  log: Pick<EventLog, "subscribe" | "lastPosition">;
  metrics: FeedMetrics;
  limits: Pick<
    HubLimits,
    | "maxFeedStreams"
    | "maxFeedStreamsPerCaller"
    | "maxStreamBufferBytes"
    | "streamBeatMs"
    | "streamCutGraceMs"
    | "defaultPageEvents"
  >;
  clock: Clock;
  logger: Logger;
  /** 0 to 1. */
  random: () => number;
}

/** A request for a stream. */
export interface StreamRequest {
  caller: Caller;
  /**
   * Who it is now.
   * @throws HubError when the key or session is not good any more
   */
  identify: () => Caller;
  wish: FeedWish;
  /** Undefined for what comes from now on. */
  after: number | undefined;
  response: ServerResponse;
  requestId: string;
}

interface Open {
  stream: FeedStream;
  request: StreamRequest;
  response: ServerResponse;
}

/** Pause before a reader that was cut off comes again, ms; each is told another one, so that they do not come all at once. */
const reconnectMs = { least: 1_000, most: 5_000 };
/** Events after which somebody may see less, or other primaries. */
const accessChanges = /^sallyport\.(?:api-key|user|session)\./;
const primaryChanges = /^sallyport\.primary\./;

/** All readers that follow the feed by server-sent events. */
export class FeedStreams implements Disposable {
  readonly #options: FeedStreamsOptions;
  readonly #open = new Set<Open>();
  readonly #unsubscribe: () => void;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: FeedStreamsOptions) {
    this.#options = options;
    this.#unsubscribe = options.log.subscribe((events) => this.#onCommit(events));
  }

  /** Streams now. */
  get count(): number {
    return this.#open.size;
  }

  /**
   * Begins to answer a request with a stream, which goes on until the reader leaves or is cut off.
   * @throws HubError `limit_reached` when there are too many; `draining`
   */
  async open(request: StreamRequest): Promise<void> {
    const { feed, log, limits, clock } = this.#options;
    const { caller, wish, response } = request;
    this.#requireRoom(caller);
    const after = request.after ?? (await log.lastPosition());
    // Others may have come meanwhile.
    this.#requireRoom(caller);
    if (response.destroyed) return;
    const pause = reconnectMs.least + this.#options.random() * (reconnectMs.most - reconnectMs.least);
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "sallyport-request-id": request.requestId,
    });
    response.write(`retry: ${Math.round(pause)}\n\n`);
    const stream = new FeedStream({
      feed,
      response,
      filter: feed.filterFor(caller.scope, wish),
      after,
      maxBufferBytes: limits.maxStreamBufferBytes,
      pageEvents: limits.defaultPageEvents,
      ended: (code) => this.#ended(open, code),
    });
    const open: Open = { stream, request, response };
    this.#open.add(open);
    this.#options.metrics.streams(this.#open.size);
    this.#timer ??= clock.after(limits.streamBeatMs, () => this.#beat());
    void stream.run();
  }

  /** Ends all of them and takes no more; calling it again does nothing. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    for (const { stream } of this.#open) stream.cut("stopping", "the hub is restarting");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #requireRoom({ id }: Caller): void {
    const { maxFeedStreams, maxFeedStreamsPerCaller } = this.#options.limits;
    if (this.#closed) throw new HubError("draining", "the hub is stopping", { retryAfterS: 5 });
    const own = [...this.#open].filter(({ request }) => request.caller.id === id).length;
    if (own < maxFeedStreamsPerCaller && this.#open.size < maxFeedStreams) return;
    const message = `${own} streams of this key or user are open, ${this.#open.size} in all: no more are allowed`;
    throw new HubError("limit_reached", message, { retryAfterS: 30 });
  }

  /** Told by the log, and must not throw. */
  #onCommit(events: readonly StoredEvent[]): void {
    const changed = events.some(({ type }) => accessChanges.test(type) || primaryChanges.test(type));
    for (const open of this.#open) {
      if (changed) this.#look(open);
      open.stream.take(events);
    }
  }

  #beat(): void {
    for (const open of this.#open) {
      this.#look(open);
      open.stream.beat();
    }
    const { clock, limits } = this.#options;
    this.#timer =
      this.#open.size === 0 || this.#closed
        ? undefined
        : clock.after(limits.streamBeatMs, () => this.#beat());
  }

  /** Sees whether the reader may still see what it sees. */
  #look({ stream, request }: Open): void {
    try {
      const { scope } = request.identify();
      stream.setFilter(this.#options.feed.filterFor(scope, request.wish));
    } catch (error) {
      if (!(error instanceof HubError)) this.#options.logger.error({ err: error }, "feed.not_checked");
      stream.cut("refused", "the API key or session is not good any more");
    }
  }

  #ended(open: Open, code: CutCode | undefined): void {
    this.#open.delete(open);
    const { metrics, clock, limits, logger } = this.#options;
    metrics.streams(this.#open.size);
    if (code === undefined) return;
    metrics.cut(code);
    const { caller, requestId } = open.request;
    logger.info({ requestId, caller: `${caller.kind}/${caller.id}`, code }, "feed.stream_cut");
    // A reader that does not even take the last event holds its socket no longer than this.
    const timer = clock.after(limits.streamCutGraceMs, () => open.response.destroy());
    open.response.once("close", () => timer.cancel());
  }
}
