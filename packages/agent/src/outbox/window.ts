/** What is sent and acknowledged as one. */
export interface Sendable {
  /** The last that it stands for. */
  position: number;
  /** Order is kept within a subject. */
  subject: string;
}

/**
 * What one connection of a group has sent and not yet had acknowledged. Decides what may be sent next so that the
 * order within a subject is kept, and how far the cursor may move. Pure: it sends and stores nothing.
 */
export class SendWindow<Item extends Sendable> {
  readonly #max: number;
  readonly #isOrderKept: boolean;
  /** Items read from the outbox and not yet acknowledged, in order of position. */
  readonly #open = new Map<number, { item: Item; state: "waiting" | "sent" | "acknowledged" }>();
  #cursor: number;
  #readUpTo: number;

  /**
   * @param cursor everything up to this position was acknowledged before
   * @param isOrderKept whether the receiver stores all in order of position: then nothing has to wait for what is before it
   */
  constructor(cursor: number, max: number, isOrderKept = false) {
    this.#cursor = cursor;
    this.#readUpTo = cursor;
    this.#max = max;
    this.#isOrderKept = isOrderKept;
  }

  /** Everything up to this position is acknowledged. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Read on from here. */
  get readUpTo(): number {
    return this.#readUpTo;
  }

  /** What was sent and is not acknowledged. */
  get unacknowledged(): Item[] {
    return [...this.#open.values()].flatMap(({ item, state }) => (state === "sent" ? [item] : []));
  }

  /** How many more items may be taken in. */
  get room(): number {
    return this.#max - this.#open.size;
  }

  /** Takes in what was read from the outbox after `readUpTo`. */
  add(items: readonly Item[]): void {
    for (const item of items) {
      this.#open.set(item.position, { item, state: "waiting" });
      this.#readUpTo = item.position;
    }
  }

  /** The items that may be sent now: none whose subject has an earlier one that is not acknowledged. */
  takeSendable(): Item[] {
    const busy = new Set<string>();
    const sendable: Item[] = [];
    for (const entry of this.#open.values()) {
      if (entry.state === "acknowledged") continue;
      if (entry.state === "waiting" && !busy.has(entry.item.subject)) {
        entry.state = "sent";
        sendable.push(entry.item);
      }
      if (!this.#isOrderKept) busy.add(entry.item.subject);
    }
    return sendable;
  }

  /** An item was acknowledged; returns whether the cursor moved. */
  acknowledge(position: number): boolean {
    const entry = this.#open.get(position);
    if (entry !== undefined) entry.state = "acknowledged";
    const before = this.#cursor;
    for (const [at, { state }] of this.#open) {
      if (state !== "acknowledged") break;
      this.#open.delete(at);
      this.#cursor = at;
    }
    return this.#cursor !== before;
  }

  /** An item was not acknowledged in time and is to be sent again. */
  retry(position: number): void {
    const entry = this.#open.get(position);
    if (entry?.state === "sent") entry.state = "waiting";
  }
}
