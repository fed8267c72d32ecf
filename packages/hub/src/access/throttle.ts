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
}

interface Bucket {
  failures: number;
  atMs: number;
}

/** Counts failed tries for each source address, in bounded memory; they wear off with time. */
export class Throttle {
  readonly #options: ThrottleOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Seconds until the address may try again; 0 when it may now. */
  waitS(address: string): number {
    const excessMs = (this.#failures(address) - this.#options.maxFailures + 1) * this.#options.refillMs;
    return Math.max(0, Math.ceil(excessMs / 1000));
  }

  /** Counts a failed try. */
  fail(address: string): void {
    const failures = Math.min(this.#failures(address) + 1, this.#options.maxFailures);
    this.#buckets.delete(address);
    this.#buckets.set(address, { failures, atMs: this.#options.now() });
    if (this.#buckets.size <= this.#options.maxAddresses) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #failures(address: string): number {
    const bucket = this.#buckets.get(address);
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.failures - (this.#options.now() - bucket.atMs) / this.#options.refillMs);
  }
}
