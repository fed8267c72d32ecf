/**
 * The order in which messages leave when they can't all leave at once: what keeps the connection first, then what the peer waits for,
 * large ones last.
 */
export const laneNames = ["control", "acknowledgement", "command", "notification", "bulk"] as const;

/** One of the lanes. */
export type Lane = (typeof laneNames)[number];

/** After so many messages of higher lanes in a row, one of the lowest waiting lane goes, so that nothing waits for ever. */
const maxOvertakings = 16;

/** Texts that wait to be sent, in lanes. */
export class Lanes {
  readonly #waiting: Record<Lane, string[]> = {
    control: [],
    acknowledgement: [],
    command: [],
    notification: [],
    bulk: [],
  };
  #overtakings = 0;
  #length = 0;
  #units = 0;

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** What they hold together, UTF-16 units: nearly bytes for text that is mostly ASCII. */
  get units(): number {
    return this.#units;
  }

  push(lane: Lane, text: string): void {
    this.#waiting[lane].push(text);
    this.#length += 1;
    this.#units += text.length;
  }

  /** Takes the next one out; undefined when none waits. */
  shift(): string | undefined {
    const busy = laneNames.filter((name) => this.#waiting[name].length > 0);
    const [highest] = busy;
    const lowest = busy.at(-1);
    if (highest === undefined || lowest === undefined) return undefined;
    const isTurnOfLowest = highest !== lowest && this.#overtakings >= maxOvertakings;
    this.#overtakings = highest === lowest || isTurnOfLowest ? 0 : this.#overtakings + 1;
    const text = this.#waiting[isTurnOfLowest ? lowest : highest].shift();
    if (text === undefined) return undefined;
    this.#length -= 1;
    this.#units -= text.length;
    return text;
  }
}
