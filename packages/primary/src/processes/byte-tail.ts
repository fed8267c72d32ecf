/** Keeps the end of what a program prints. */
export class ByteTail {
  readonly #maxBytes: number;
  #kept: Buffer = Buffer.alloc(0);
  #isCut = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether there was more than is kept. */
  get isCut(): boolean {
    return this.#isCut;
  }

  push(chunk: Buffer): void {
    const all = Buffer.concat([this.#kept, chunk]);
    this.#isCut ||= all.length > this.#maxBytes;
    this.#kept = all.subarray(-this.#maxBytes);
  }

  text(): string {
    return this.#kept.toString("utf8");
  }
}
