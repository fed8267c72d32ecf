/** How much of request bodies a connection holds in memory, until their commands are answered. */
export class HeldBodies {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes room for so many bytes; false when there is none. What is there alone may be larger than the bound: another bound has let it in. */
  take(bytes: number): boolean {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Gives room back. */
  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}
