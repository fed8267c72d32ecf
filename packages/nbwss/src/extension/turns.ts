/** Whose turn it is to send: round robin among those that have something, one chunk each. */
export class Turns<T> {
  readonly #line = new Set<T>();

  /** Puts one at the end of the line; who stands in it already keeps its place. */
  add(one: T): void {
    this.#line.add(one);
  }

  remove(one: T): void {
    this.#line.delete(one);
  }

  /** Takes the first out of the line; undefined when nobody waits. */
  next(): T | undefined {
    for (const one of this.#line) {
      this.#line.delete(one);
      return one;
    }
    return undefined;
  }
}
