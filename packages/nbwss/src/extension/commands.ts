import { Readable } from "node:stream";
import type { CommandAnswer } from "../answer.ts";
import type { Clock } from "../clock.ts";
import { NbwssError } from "../errors.ts";
import { RequestTable, type WaitOptions } from "../request-table.ts";
import type { StreamedAnswer, StreamedCommand } from "./command.ts";
import { maxChunkBytes, type HeadFrame } from "./frame.ts";
import { readResponseHead, toRequestHead } from "./head.ts";
import { InboundBody } from "./inbound-body.ts";
import { Pieces } from "./pieces.ts";
import type { Stream } from "./stream.ts";
import type { Streams } from "./streams.ts";

/** The endpoint's side of commands under `sallyport.v1`. */
export class StreamedCommands {
  readonly #streams: Streams;
  readonly #clock: Clock;
  readonly #heads: RequestTable<StreamedAnswer>;

  constructor(streams: Streams, clock: Clock, maxInFlight: number) {
    this.#streams = streams;
    this.#clock = clock;
    this.#heads = new RequestTable(clock, maxInFlight);
  }

  /** Commands whose answer is not whole yet. */
  get size(): number {
    return this.#streams.size;
  }

  /**
   * Sends a command and waits for the head of its answer.
   * @throws NbwssError as `EndpointConnection.open`
   */
  async open(command: StreamedCommand, wait: WaitOptions): Promise<StreamedAnswer> {
    const { body = "", bodyBytes } = command;
    const stream = this.#streams.open({
      failed: (error) => this.#heads.fail(String(stream.id), error),
    });
    const { timeoutMs } = wait;
    const isWhole = !(body instanceof Readable) && byteLength(body) <= maxChunkBytes;
    const send = () => {
      if (isWhole) stream.sendWhole("request", toRequestHead(command, { timeoutMs }), body);
      else {
        const length = body instanceof Readable ? bodyBytes : byteLength(body);
        const head = toRequestHead(command, { timeoutMs, length });
        void stream.sendStreamed("request", head, typeof body === "string" ? Buffer.from(body) : body);
      }
    };
    try {
      return await this.#heads.request(String(stream.id), send, wait);
    } catch (error) {
      if (body instanceof Readable) body.destroy();
      giveUp(stream, error as NbwssError);
      throw error;
    }
  }

  /** The same for a caller that wants the answer as text, of at most `maxBytes`; the deadline is for all of it. */
  async ask(command: StreamedCommand, wait: WaitOptions, maxBytes: number): Promise<CommandAnswer> {
    const sinceMs = this.#clock.monotonicMs();
    const { status, headers, body } = await this.open(command, wait);
    if (typeof body === "string") return { status, headers, body };
    if (!(body instanceof Readable)) return { status, headers, body: toText(body) };
    const leftMs = wait.timeoutMs - (this.#clock.monotonicMs() - sinceMs);
    const timer = this.#clock.after(Math.max(0, leftMs), () =>
      body.destroy(new NbwssError("timeout", `the answer was not whole within ${wait.timeoutMs} ms`)),
    );
    try {
      return { status, headers, body: toText(await collect(body, maxBytes)) };
    } finally {
      timer.cancel();
    }
  }

  /** A RESPONSE came. @throws DecodeError `bad_frame` */
  onHead(stream: Stream, frame: HeadFrame): void {
    const { status, headers, length } = readResponseHead(frame.head);
    const body = stream.takeHead(frame, length);
    const isTaken = this.#heads.settle(String(stream.id), {
      status,
      headers: withLowerCaseNames(headers),
      body,
      bodyBytes: Buffer.isBuffer(body) ? body.length : length,
    });
    if (!isTaken && body instanceof InboundBody) body.destroy();
  }
}

/** Ends what nobody waits for any more. */
function giveUp(stream: Stream, error: NbwssError): void {
  if (error.code === "timeout") stream.reset("deadline", "");
  else stream.reset(error.code === "cancelled" ? "cancelled" : "failed", error.message);
}

async function collect(body: Readable, maxBytes: number): Promise<Buffer> {
  const pieces = new Pieces();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (pieces.size + chunk.length > maxBytes) {
      throw new NbwssError("not_a_response", `the answer has more than the ${maxBytes} bytes that are kept`);
    }
    pieces.add(chunk);
  }
  return pieces.takeAll();
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function toText(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new NbwssError("not_a_response", "the answer is not text", { cause: error });
  }
}

function byteLength(body: string | Buffer): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.length;
}

function withLowerCaseNames(headers: Record<string, string>): Record<string, string> {
  for (const name in headers) {
    if (name !== name.toLowerCase()) {
      return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
    }
  }
  return headers;
}
