import { BoundedMap } from "../connections/bounded-map.ts";

/** Holes whose notification could not be stored yet; the primary sends no more than some dozens before it waits. */
const maxHoles = 1_024;

/**
 * What has come of the positions of one connection. They come in order, so one that is not the next leaves a hole; what comes again, because it could
 * not be stored, does not.
 */
export class Sequence {
  readonly journal: string;
  #highest: number;
  /** Where the hole begins that lies before what ends at a position. */
  readonly #holes = new BoundedMap<number, number>(maxHoles);

  /** @param position everything up to here is stored */
  constructor(journal: string, position: number) {
    this.journal = journal;
    this.#highest = position;
  }

  /**
   * Something came that stands for the positions `first` to `last`.
   * @returns where that begins together with the hole before it: `first` when there is none
   */
  take(first: number, last: number): number {
    const before = this.#holes.get(last);
    if (before !== undefined) return before;
    const expected = this.#highest + 1;
    this.#highest = Math.max(this.#highest, last);
    if (first <= expected) return first;
    this.#holes.set(last, expected);
    return expected;
  }

  /** What ends at a position is stored, with the hole before it. */
  stored(last: number): void {
    this.#holes.delete(last);
  }
}
