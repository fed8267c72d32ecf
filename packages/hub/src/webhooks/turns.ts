import type { Lane } from "./lane.ts";

/**
 * Whose turn it is to send: webhooks take turns, whoever has how much to send. Those that are slow or fail have half of the room at most,
 * so that they never hold up the others.
 */
export class Turns {
  readonly #ready = new Set<Lane>();
  readonly #strained = new Set<Lane>();
  #strainedIsNext = false;

  /** Puts a webhook at the end of its queue, unless it waits there already. */
  add(lane: Lane): void {
    const [queue, other] = lane.isStrained ? [this.#strained, this.#ready] : [this.#ready, this.#strained];
    other.delete(lane);
    queue.add(lane);
  }

  /** Its turn is over. */
  delete(lane: Lane): void {
    this.#ready.delete(lane);
    this.#strained.delete(lane);
  }

  /** The next one; undefined when there is none that may go. @param hasRoom whether one that is slow or fails may go now */
  next(hasRoom: boolean): Lane | undefined {
    const [healthy] = this.#ready;
    const [strained] = hasRoom ? this.#strained : [];
    this.#strainedIsNext = !this.#strainedIsNext;
    const found = this.#strainedIsNext ? (strained ?? healthy) : (healthy ?? strained);
    if (found !== undefined) this.delete(found);
    return found;
  }
}
