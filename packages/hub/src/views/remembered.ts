/** Records that one `Remembered` holds unless said: more primaries than are called within a moment, some megabytes. */
const defaultMaxRecords = 2_000;

/**
 * Records that were read from a view's tables lately, so that the hot paths need not ask SQLite for each request. The view
 * forgets what an event changes, when it folds it: what is remembered is never older than the tables.
 */
export class Remembered<V extends object> {
  readonly #records = new Map<string, V>();
  readonly #maxRecords: number;

  /** @param maxRecords at the bound the one that was read first makes room */
  constructor(maxRecords = defaultMaxRecords) {
    this.#maxRecords = maxRecords;
  }

  /** The record of this key; `read` is asked when it is not remembered. That there is none is not remembered: strangers may ask for anything. */
  get(key: string, read: (key: string) => V | undefined): V | undefined {
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    const found = read(key);
    if (found === undefined) return undefined;
    if (this.#records.size >= this.#maxRecords) {
      const [first] = this.#records.keys();
      if (first !== undefined) this.#records.delete(first);
    }
    this.#records.set(key, Object.freeze(found));
    return found;
  }

  /** The record of this key has changed. */
  forget(key: string): void {
    this.#records.delete(key);
  }

  /** Any of them may have changed. */
  forgetAll(): void {
    this.#records.clear();
  }
}
