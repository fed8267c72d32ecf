import { Readable } from "node:stream";
import { NbwssError } from "../errors.ts";
import { Pieces } from "./pieces.ts";

/** What an inbound body reports to its stream. */
export interface InboundBodyOptions {
  /** So many bytes were taken by the reader: the peer may send as many more. */
  consumed(bytes: number): void;
  /** The reader has gone before the end. */
  abandoned(): void;
  /** Bytes that have to come; undefined when that was not said. */
  length: number | undefined;
}

/** A body as it comes from the wire. Holds what its reader has not taken yet: never more than the peer was given credit for. */
export class InboundBody extends Readable {
  readonly #options: InboundBodyOptions;
  readonly #held = new Pieces();
  #isWanted = false;
  #isWhole = false;
  #came = 0;
  #cameBefore = 0;

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
    // Who waits for it gets it as it is.
    if (this.#isWanted && this.#held.size === 0 && chunk.length > 0) this.#push(chunk);
    else if (chunk.length > 0) this.#held.add(chunk);
    this.#give();
  }

  /** Whether less than this came since the last look, though its reader waits for more. */
  isStarved(leastBytes: number): boolean {
    const came = this.#came - this.#cameBefore;
    this.#cameBefore = this.#came;
    return came < leastBytes && this.#isWanted && !this.#isWhole && !this.destroyed;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#give();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held.clear();
    if (!this.#isWhole) this.#options.abandoned();
    done(error);
  }

  #give(): void {
    while (this.#isWanted) {
      const block = this.#held.shift();
      if (block === undefined) {
        if (this.#isWhole) this.push(null);
        return;
      }
      this.#push(block);
    }
  }

  #push(bytes: Buffer): void {
    this.#isWanted = this.push(bytes);
    this.#options.consumed(bytes.length);
  }
}
