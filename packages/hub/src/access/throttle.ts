/** What a throttle is made of. */
export interface ThrottleOptions {
  /** Failures that an address has at once. */
  maxFailures: number;
  /** How fast they come back, ms for each. */
  refillMs: number;
  /** Addresses that are remembered; the one that failed longest ago is forgotten first. */
  maxAddresses: number;
  /** Epoch ms. */
  now: () => number;
  /** What addresses count as; each as itself unless said. */
  keyOf?: (address: string) => string;
}

interface Bucket {
  failures: number;
  atMs: number;
}

/** Counts failed tries for each source address (or whatever else they are counted by), in bounded memory; they wear off with time. */
export class Throttle {
  readonly #options: ThrottleOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Seconds until the address may try again; 0 when it may now. */
  waitS(address: string): number {
    // The usual case, on the path of every request.
    if (this.#buckets.size === 0) return 0;
    const failures = this.#failures(this.#keyOf(address));
    const excessMs = (failures - this.#options.maxFailures + 1) * this.#options.refillMs;
    return Math.max(0, Math.ceil(excessMs / 1000));
  }

  /** Counts a failed try. */
  fail(address: string): void {
    const key = this.#keyOf(address);
    this.#set(key, Math.min(this.#failures(key) + 1, this.#options.maxFailures));
  }

  /** Takes back a try that was counted before its end was known, and succeeded. */
  forgive(address: string): void {
    const key = this.#keyOf(address);
    const failures = this.#failures(key) - 1;
    if (failures > 0) this.#set(key, failures);
    else this.#buckets.delete(key);
  }

  #set(key: string, failures: number): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, { failures, atMs: this.#options.now() });
    if (this.#buckets.size <= this.#options.maxAddresses) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #keyOf(address: string): string {
    return this.#options.keyOf?.(address) ?? address;
  }

  #failures(key: string): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.failures - (this.#options.now() - bucket.atMs) / this.#options.refillMs);
  }
}
