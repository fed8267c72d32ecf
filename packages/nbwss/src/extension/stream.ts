import type { Readable } from "node:stream";
import type { Channel } from "../channel.ts";
import { DecodeError, NbwssError } from "../errors.ts";
import type { Lane } from "../lanes.ts";
import {
  encodeCredit,
  encodeData,
  encodeHead,
  encodeReset,
  maxChunkBytes,
  type Frame,
  type HeadFrame,
  type ResetCode,
} from "./frame.ts";
import { InboundBody } from "./inbound-body.ts";
import { initialStream, nextStream, type StreamEvent, type StreamState } from "./stream-rules.ts";

/** A body: whole, or as it comes. */
export type Body = Buffer | InboundBody;

/** What a stream needs of those that share its connection. */
export interface StreamContext {
  channel: Pick<Channel, "sendFrame">;
  maxWindowBytes: number;
  /** It has something to send in its turn. */
  ready(stream: Stream): void;
  /** It is over. */
  ended(stream: Stream): void;
}

/** What a stream tells. */
export interface StreamHandler {
  /** The peer ended the stream early, or the connection is gone. */
  failed(error: NbwssError): void;
}

/** One command and its answer on a connection that carries many: the shell round `nextStream`. */
export class Stream {
  readonly id: number;
  readonly #context: StreamContext;
  readonly #handler: StreamHandler;
  #state: StreamState;
  #inbound: InboundBody | undefined;
  #source: Readable | undefined;
  /** A head that waits for its turn; what follows a body must not overtake it. */
  #head: Buffer | undefined;
  #chunk: Buffer | undefined;
  #isLast = false;
  #taken: (() => void) | undefined;
  /** Whether anything of it was handed to the channel, so that the peer knows the stream. */
  #isKnown: boolean;
  #lane: Lane = "command";
  #isOver = false;
  /** Bytes of the body that have left, in all and at the last look, and whether more waited then. */
  #sent = 0;
  #sentBefore = 0;
  #hasWaited = false;
  #isAwaited = false;

  constructor(id: number, role: StreamState["role"], context: StreamContext, handler: StreamHandler) {
    this.id = id;
    this.#context = context;
    this.#handler = handler;
    this.#state = initialStream(role);
    this.#isKnown = role === "answerer";
  }

  /** Sends a head and the whole body in one frame; `body` may have `maxChunkBytes`. */
  sendWhole(type: "request" | "response", head: string, body: Buffer | string): void {
    if (this.#isOver) return;
    const frame = encodeHead(type, this.id, head, { body, end: true });
    this.#context.channel.sendFrame(frame, this.#lane);
    this.#isKnown = true;
    this.#step({ kind: "head-sent", bytes: 0, end: true });
  }

  /**
   * Sends a head and then the body, in turns with other streams and as the peer gives credit.
   * @returns resolves when all has left, or the stream is over; never rejects: a body that breaks off ends the stream
   * @throws DecodeError `too_large`, at once, for the head
   */
  sendStreamed(type: "request" | "response", head: string, body: Readable | Buffer): Promise<void> {
    if (this.#isOver) {
      if (!Buffer.isBuffer(body)) body.destroy();
      return Promise.resolve();
    }
    this.#head = encodeHead(type, this.id, head, { end: false });
    this.#lane = "bulk";
    this.#context.ready(this);
    return Buffer.isBuffer(body) ? this.#sendAll(body) : this.#sendFrom(body);
  }

  async #sendAll(body: Buffer): Promise<void> {
    await this.#send(body);
    await this.#sendEnd();
  }

  async #sendFrom(body: Readable): Promise<void> {
    this.#source = body;
    // It may break off, or be ended, while a piece of it waits for credit that may never come.
    body.once("error", (error: Error) => this.reset("failed", `the body broke off: ${error.message}`));
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        if (this.#isOver) return;
        if (chunk.length > 0) await this.#send(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      }
      await this.#sendEnd();
    } catch (error) {
      this.reset("failed", `the body broke off: ${(error as Error).message}`);
    }
  }

  /** What goes out in this stream's turn; undefined when it has nothing, or no credit. */
  takeFrame(): Buffer | undefined {
    const head = this.#head;
    if (head !== undefined) {
      this.#head = undefined;
      this.#isKnown = true;
      this.#step({ kind: "head-sent", bytes: 0, end: false });
      return head;
    }
    if (this.#state.sending !== "body") return undefined;
    const chunk = this.#chunk;
    const bytes = Math.min(chunk?.length ?? 0, maxChunkBytes, this.#state.credit);
    if (bytes === 0 && !(this.#isLast && chunk === undefined)) return undefined;
    const frame = encodeData(this.id, chunk?.subarray(0, bytes) ?? Buffer.alloc(0), this.#isLast);
    this.#chunk = chunk === undefined || bytes === chunk.length ? undefined : chunk.subarray(bytes);
    if (this.#chunk === undefined) this.#noteTaken();
    this.#sent += bytes;
    this.#step({ kind: "data-sent", bytes, end: this.#isLast });
    return frame;
  }

  /** Takes in the REQUEST or RESPONSE; returns its body. @throws DecodeError `bad_frame` */
  takeHead(frame: HeadFrame, length: number | undefined): Body {
    const { body, end } = frame;
    if (end && length !== undefined && body.length !== length) {
      throw new DecodeError("bad_frame", "head.length", `is ${length} where ${body.length} bytes came`);
    }
    this.#step({ kind: "head-came", bytes: body.length, end });
    if (end) return body;
    this.#inbound = new InboundBody({
      length,
      consumed: (bytes) => this.#step({ kind: "consumed", bytes }),
      abandoned: () => this.#abandon(),
    });
    // Whoever has no ear for it hears of it by `failed`, or has gone.
    this.#inbound.on("error", () => {});
    if (body.length > 0) this.#inbound.takeIn(body, false);
    return this.#inbound;
  }

  /** Takes in what follows a head. @throws DecodeError `bad_frame` */
  take(frame: Extract<Frame, { type: "data" | "credit" | "reset" }>): void {
    switch (frame.type) {
      case "data":
        this.#step({ kind: "data-came", bytes: frame.body.length, end: frame.end });
        this.#inbound?.takeIn(frame.body, frame.end);
        return;
      case "credit":
        this.#step({ kind: "credit-came", bytes: frame.bytes });
        this.#context.ready(this);
        return;
      case "reset":
        this.fail(errorOf(frame.code, frame.reason));
    }
  }

  /**
   * Ends what stands still: a body of which the peer took less than `leastBytes` since the last look while more waited all the time, and a request's
   * body of which less came though somebody waited for it.
   * @returns whether its own body stood still
   */
  look(leastBytes: number): boolean {
    const isWaiting = this.#chunk !== undefined;
    const isSlow = this.#hasWaited && isWaiting && this.#sent - this.#sentBefore < leastBytes;
    this.#hasWaited = isWaiting;
    this.#sentBefore = this.#sent;
    if (isSlow) this.reset("failed", "what was sent of the body was not read for too long");
    else if (this.#state.role === "answerer" && this.#inbound !== undefined) {
      const isStarved = this.#inbound.isStarved(leastBytes);
      if (isStarved && this.#isAwaited) {
        this.#inbound.destroy(new NbwssError("timeout", "the request's body came too slowly"));
      }
      this.#isAwaited = isStarved;
    }
    return isSlow;
  }

  /** Ends the stream and tells the peer; nothing when it is over. */
  reset(code: ResetCode, reason: string): void {
    if (this.#isOver) return;
    if (this.#isKnown) this.#context.channel.sendFrame(encodeReset(this.id, code, reason), this.#lane);
    this.fail(errorOf(code, reason));
  }

  /** Ends the stream: the peer has reset it, or the connection is gone. */
  fail(error: NbwssError): void {
    if (this.#isOver) return;
    this.#finish();
    this.#inbound?.destroy(error);
    this.#handler.failed(error);
  }

  /** The reader of the inbound body has gone. Of a request that is no reason to end the stream: its answer is still to be sent. */
  #abandon(): void {
    if (this.#state.role === "opener") this.reset("cancelled", "the reader of the answer has gone");
  }

  #send(chunk: Buffer): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#chunk = chunk;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#taken = resolve;
    this.#context.ready(this);
    return promise;
  }

  #sendEnd(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#isLast = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#taken = resolve;
    this.#context.ready(this);
    return promise;
  }

  #noteTaken(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  #step(event: StreamEvent): void {
    const [next, effects] = nextStream(this.#state, event, this.#context.maxWindowBytes);
    this.#state = next;
    for (const effect of effects) {
      switch (effect.kind) {
        case "grant":
          if (!this.#isOver) this.#context.channel.sendFrame(encodeCredit(this.id, effect.bytes), "control");
          break;
        case "violation":
          throw new DecodeError("bad_frame", "", effect.reason);
        case "abandon-request":
          if (this.#isKnown) this.#context.channel.sendFrame(encodeReset(this.id, "done", ""), this.#lane);
          break;
        case "finish":
          this.#finish();
      }
    }
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#context.ended(this);
    this.#source?.destroy();
    this.#noteTaken();
    // A request that nobody has read to its end.
    if (this.#state.role === "answerer") this.#inbound?.destroy();
  }
}

function errorOf(code: ResetCode, reason: string): NbwssError {
  const why = reason === "" ? "" : `: ${reason}`;
  switch (code) {
    case "deadline":
      return new NbwssError("timeout", `the deadline is over${why}`);
    case "cancelled":
      return new NbwssError("cancelled", `the caller has gone${why}`);
    case "too_large":
      return new NbwssError("too_large", `the body is larger than is taken${why}`);
    case "done":
    case "failed":
      return new NbwssError("lost", `the stream was ended${why}`);
  }
}
