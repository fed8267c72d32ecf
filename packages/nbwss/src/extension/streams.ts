import type { Channel } from "../channel.ts";
import type { Clock, Timer } from "../clock.ts";
import { DecodeError, type NbwssError } from "../errors.ts";
import type { NbwssLimits } from "../limits.ts";
import { decodeFrame, type HeadFrame } from "./frame.ts";
import { initialCreditBytes } from "./stream-rules.ts";
import { Stream, type StreamContext, type StreamHandler } from "./stream.ts";
import { Turns } from "./turns.ts";

/** What the streams of one connection are made of. */
export interface StreamsOptions {
  channel: Channel;
  clock: Clock;
  limits: Pick<NbwssLimits, "maxStreamWindowBytes" | "streamStallMs">;
  /** A head came: on this side's streams a RESPONSE, otherwise a REQUEST. */
  head(stream: Stream, frame: HeadFrame): void;
  /** Makes the handler of a stream that the peer has opened; undefined where only this side opens any. */
  opened?: ((id: number) => StreamHandler) | undefined;
  /** A RESPONSE came that nobody waits for any more. */
  late?(id: number): void;
  /** A stream was ended, since its body was not read for too long. */
  stalled?(id: number): void;
}

/** A body that is read more slowly in `streamStallMs` stands still, bytes. */
const leastBytes = initialCreditBytes;

/** The streams of one connection of `sallyport.v1`; their bodies leave in turns, a chunk each. */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #streams = new Map<number, Stream>();
  readonly #turns = new Turns<Stream>();
  readonly #context: StreamContext;
  #lastId = 0;
  #looking: Timer | undefined;

  constructor(options: StreamsOptions) {
    const { channel, limits } = options;
    this.#options = options;
    this.#context = {
      channel,
      maxWindowBytes: limits.maxStreamWindowBytes,
      ready: (stream) => {
        this.#turns.add(stream);
        this.#pump();
      },
      ended: (stream) => {
        this.#streams.delete(stream.id);
        this.#turns.remove(stream);
      },
    };
    channel.onBulkFree(() => this.#pump());
  }

  /** Streams that are not over. */
  get size(): number {
    return this.#streams.size;
  }

  /** Opens a stream. */
  open(handler: StreamHandler): Stream {
    this.#lastId += 1;
    return this.#add(this.#lastId, "opener", handler);
  }

  /**
   * Takes in one binary message.
   * @throws DecodeError `bad_frame` or `too_large`: the connection has to end
   */
  receive(data: Buffer): void {
    const frame = decodeFrame(data);
    if (frame.type === "request") {
      this.#options.head(this.#accept(frame.stream), frame);
      return;
    }
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) {
      // What was underway when the stream ended; its sender could not know.
      if (frame.stream > this.#lastId) throw bad(`stream ${frame.stream} was never opened`);
      if (frame.type === "response") this.#options.late?.(frame.stream);
      return;
    }
    if (frame.type !== "response") stream.take(frame);
    else if (this.#options.opened === undefined) this.#options.head(stream, frame);
    else throw bad("RESPONSE is not for a primary");
  }

  /** Ends all, as the connection has ended. */
  failAll(error: NbwssError): void {
    for (const stream of this.#streams.values()) stream.fail(error);
    this.#looking?.cancel();
  }

  /** While there are streams: an idle connection has no timer for them. */
  #lookLater(): void {
    const { clock, limits } = this.#options;
    this.#looking ??= clock.after(limits.streamStallMs, () => {
      this.#looking = undefined;
      for (const stream of this.#streams.values()) {
        if (stream.look(leastBytes)) this.#options.stalled?.(stream.id);
      }
      if (this.#streams.size > 0) this.#lookLater();
    });
  }

  #accept(id: number): Stream {
    const { opened } = this.#options;
    if (opened === undefined) throw bad("REQUEST is not for an endpoint");
    if (id <= this.#lastId) throw bad(`stream ${id} is not newer than ${this.#lastId}`);
    this.#lastId = id;
    return this.#add(id, "answerer", opened(id));
  }

  #add(id: number, role: "opener" | "answerer", handler: StreamHandler): Stream {
    const stream = new Stream(id, role, this.#context, handler);
    this.#streams.set(id, stream);
    this.#lookLater();
    return stream;
  }

  #pump(): void {
    while (this.#options.channel.isBulkFree) {
      const stream = this.#turns.next();
      if (stream === undefined) return;
      const frame = stream.takeFrame();
      if (frame === undefined) continue;
      this.#options.channel.sendFrame(frame, "bulk");
      if (this.#streams.has(stream.id)) this.#turns.add(stream);
    }
  }
}

function bad(message: string): DecodeError {
  return new DecodeError("bad_frame", "", message);
}
