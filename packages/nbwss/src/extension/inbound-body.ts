import { Readable } from "node:stream";
import { NbwssError } from "../errors.ts";

/** Pieces below this are copied together, bytes: a peer that sends single bytes must not cost an object for each. */
const smallBytes = 4 * 1024;
const blockBytes = 16 * 1024;

/** What an inbound body reports to its stream. */
export interface InboundBodyOptions {
  /** So many bytes were taken by the reader: the peer may send as many more. */
  consumed(bytes: number): void;
  /** The reader has gone before the end. */
  abandoned(): void;
  /** Bytes that have to come; undefined when that was not said. */
  length: number | undefined;
}

interface Block {
  bytes: Buffer;
  used: number;
}

/** A body as it comes from the wire. Holds what its reader has not taken yet: never more than the peer was given credit for. */
export class InboundBody extends Readable {
  readonly #options: InboundBodyOptions;
  #held: Block[] = [];
  #isWanted = false;
  #isWhole = false;
  #came = 0;

  constructor(options: InboundBodyOptions) {
    // One byte: beyond what the reader asks for nothing is to leave the blocks.
    super({ highWaterMark: 1 });
    this.#options = options;
  }

  /** Bytes that have to come; undefined when that was not said. */
  get expectedBytes(): number | undefined {
    return this.#options.length;
  }

  /** Takes in what came. */
  takeIn(chunk: Buffer, end: boolean): void {
    if (this.destroyed) return;
    this.#came += chunk.length;
    const { length } = this.#options;
    if (length !== undefined && (this.#came > length || (end && this.#came < length))) {
      this.destroy(new NbwssError("lost", `the body has ${this.#came} bytes where ${length} were announced`));
      return;
    }
    this.#isWhole = end;
    if (chunk.length > 0) this.#hold(chunk);
    this.#give();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#give();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = [];
    if (!this.#isWhole) this.#options.abandoned();
    done(error);
  }

  #hold(chunk: Buffer): void {
    const last = this.#held.at(-1);
    if (chunk.length >= smallBytes || (this.#isWanted && last === undefined)) {
      this.#held.push({ bytes: chunk, used: chunk.length });
      return;
    }
    if (last !== undefined && last.bytes.length - last.used >= chunk.length) {
      last.used += chunk.copy(last.bytes, last.used);
      return;
    }
    const bytes = Buffer.allocUnsafeSlow(blockBytes);
    this.#held.push({ bytes, used: chunk.copy(bytes) });
  }

  #give(): void {
    while (this.#isWanted) {
      const block = this.#held.shift();
      if (block === undefined) {
        if (this.#isWhole) this.push(null);
        return;
      }
      this.#isWanted = this.push(block.bytes.subarray(0, block.used));
      this.#options.consumed(block.used);
    }
  }
}
