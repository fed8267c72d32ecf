/** Who waits for a turn. */
interface Waiter {
  grant: () => void;
}

/** Bounds of a queue. */
export interface FairQueueOptions {
  /** Turns that are taken at a time. */
  maxTaken: number;
  /** Waiters at a time. */
  maxWaiting: number;
}

/** A place in the queue. */
export interface Waiting {
  /** Resolves when the turn has come. */
  turn: Promise<void>;
  /** Gives the place up; false when the turn had come already. */
  leave: () => boolean;
}

/**
 * Turns at one primary: so many at a time, and beyond that the callers take turns one by one, so that nobody who sends a
 * thousand commands makes somebody with one of them wait for all.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  /** In the order of whose turn is next; a caller that was served goes to the end. */
  readonly #callers = new Map<string, Waiter[]>();
  #taken = 0;
  #waiting = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** Turns that are taken. */
  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a turn at once where that is fair; otherwise `wait`. */
  tryEnter(): boolean {
    if (this.#taken >= this.#options.maxTaken || this.#waiting > 0) return false;
    this.#taken += 1;
    return true;
  }

  /** Takes a place among the waiting; undefined when there is none left. */
  wait(caller: string): Waiting | undefined {
    if (this.#waiting >= this.#options.maxWaiting) return undefined;
    const { promise: turn, resolve: grant } = Promise.withResolvers<void>();
    const waiter: Waiter = { grant };
    const line = this.#callers.get(caller);
    if (line === undefined) this.#callers.set(caller, [waiter]);
    else line.push(waiter);
    this.#waiting += 1;
    return { turn, leave: () => this.#remove(caller, waiter) };
  }

  /** Gives a turn back; the next one in line gets it. */
  leave(): void {
    const [next] = this.#callers;
    if (next === undefined) {
      this.#taken -= 1;
      return;
    }
    const [caller, line] = next;
    const [first] = line;
    this.#callers.delete(caller);
    if (line.length > 1) this.#callers.set(caller, line.slice(1));
    this.#waiting -= 1;
    first?.grant();
  }

  #remove(caller: string, waiter: Waiter): boolean {
    const line = this.#callers.get(caller);
    const rest = line?.filter((other) => other !== waiter);
    if (line === undefined || rest === undefined || rest.length === line.length) return false;
    if (rest.length === 0) this.#callers.delete(caller);
    else this.#callers.set(caller, rest);
    this.#waiting -= 1;
    return true;
  }
}
