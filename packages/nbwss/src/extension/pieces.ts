/** Pieces below this are copied together, bytes: a peer that sends single bytes must not cost an object for each. */
const smallBytes = 4 * 1024;
const blockBytes = 16 * 1024;

interface Block {
  bytes: Buffer;
  used: number;
}

/** Bytes that came in pieces, in order, of whatever size: held in blocks, so that they take about as much memory as they have bytes. */
export class Pieces {
  #blocks: Block[] = [];
  #size = 0;

  /** Bytes that are held. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the memory that holds them. */
  get memory(): number {
    return this.#blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  add(piece: Buffer): void {
    this.#size += piece.length;
    const last = this.#blocks.at(-1);
    if (piece.length >= smallBytes) {
      if (last !== undefined) fit(last);
      this.#blocks.push({ bytes: piece, used: piece.length });
    } else if (last !== undefined && last.bytes.length - last.used >= piece.length) {
      last.used += piece.copy(last.bytes, last.used);
    } else {
      const bytes = Buffer.allocUnsafeSlow(blockBytes);
      this.#blocks.push({ bytes, used: piece.copy(bytes) });
    }
  }

  /** Takes out the first block; undefined when nothing is held. */
  shift(): Buffer | undefined {
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.#size -= block.used;
    return block.bytes.subarray(0, block.used);
  }

  /** Takes out all, as one buffer. */
  takeAll(): Buffer {
    const whole = Buffer.concat(
      this.#blocks.map(({ bytes, used }) => bytes.subarray(0, used)),
      this.#size,
    );
    this.clear();
    return whole;
  }

  /** Forgets all. */
  clear(): void {
    this.#blocks = [];
    this.#size = 0;
  }
}

/** Gives back the room of a block that gets no more: single bytes between larger pieces must not cost a block each. */
function fit(block: Block): void {
  if (block.used === block.bytes.length) return;
  const bytes = Buffer.allocUnsafeSlow(block.used);
  block.bytes.copy(bytes, 0, 0, block.used);
  block.bytes = bytes;
}
