/**
 * The order in which messages leave when they can't all leave at once: what keeps the connection first, then what the peer waits for,
 * large ones last.
 */
export const laneNames = ["control", "acknowledgement", "command", "notification", "bulk"] as const;

/** One of the lanes. */
export type Lane = (typeof laneNames)[number];

/** After so many messages of higher lanes in a row, one of the lowest waiting lane goes, so that nothing waits for ever. */
const maxOvertakings = 16;

/** Messages that wait to be sent, texts and frames, in lanes. */
export class Lanes {
  /** Made when something has to wait: on nearly all connections nothing ever does. */
  #waiting: Record<Lane, (string | Buffer)[]> | undefined;
  #overtakings = 0;
  #length = 0;
  #units = 0;

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** How many wait in one lane. */
  count(lane: Lane): number {
    return this.#waiting?.[lane].length ?? 0;
  }

  /** What they hold together, UTF-16 units of texts (nearly bytes, for what is mostly ASCII) and bytes of frames. */
  get units(): number {
    return this.#units;
  }

  push(lane: Lane, message: string | Buffer): void {
    this.#waiting ??= { control: [], acknowledgement: [], command: [], notification: [], bulk: [] };
    this.#waiting[lane].push(message);
    this.#length += 1;
    this.#units += message.length;
  }

  /** Takes the next one out; undefined when none waits. */
  shift(): string | Buffer | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    const busy = laneNames.filter((name) => waiting[name].length > 0);
    const [highest] = busy;
    const lowest = busy.at(-1);
    if (highest === undefined || lowest === undefined) return undefined;
    const isTurnOfLowest = highest !== lowest && this.#overtakings >= maxOvertakings;
    this.#overtakings = highest === lowest || isTurnOfLowest ? 0 : this.#overtakings + 1;
    const message = waiting[isTurnOfLowest ? lowest : highest].shift();
    if (message === undefined) return undefined;
    this.#length -= 1;
    this.#units -= message.length;
    return message;
  }
}
