const newline = 0x0a;

/**
 * Splits a byte stream into lines of bounded length: one that is longer is dropped, and counted.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  #parts: Buffer[] = [];
  #length = 0;
  /** Lines that were too long. */
  dropped = 0;

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#add(chunk.subarray(start, end));
      this.end();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
  }

  /** Ends the line that has begun. */
  end(): void {
    if (this.#length > this.#maxBytes) this.dropped += 1;
    else if (this.#length > 0) this.#onLine(Buffer.concat(this.#parts).toString("utf8"));
    this.#parts = [];
    this.#length = 0;
  }

  #add(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }
}
