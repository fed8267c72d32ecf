import type { Clock, Timer } from "./clock.ts";
import { NbwssError } from "./errors.ts";

/** How long to wait for one response, and what may end the wait early. */
export interface WaitOptions {
  /** Deadline, ms from now. */
  timeoutMs: number;
  /** Ends the wait with `cancelled`. */
  signal?: AbortSignal | undefined;
  /**
   * Called when the request is sent, with what ends the wait with `cancelled`. Does the same as `signal` for a tenth of its cost,
   * for whoever makes thousands of requests each second. Calling it after the end does nothing.
   */
  begun?: ((cancel: () => void) => void) | undefined;
}

interface Pending<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/**
 * The requests of one side that wait for their response. Ids are compared without regard to case (NBWSS,
 * envelope). Bounded: one request more than `maxInFlight` fails with `busy` before it is sent.
 */
export class RequestTable<T> {
  readonly #pending = new Map<string, Pending<T>>();
  readonly #clock: Clock;
  readonly #maxInFlight: number;

  constructor(clock: Clock, maxInFlight: number) {
    this.#clock = clock;
    this.#maxInFlight = maxInFlight;
  }

  /** How many requests wait. */
  get size(): number {
    return this.#pending.size;
  }

  /**
   * Registers `id`, calls `send`, and waits for `settle`.
   * @throws NbwssError `busy`, `timeout`, `cancelled`, or whatever `send` throws or `failAll` is given
   */
  request(id: string, send: () => void, wait: WaitOptions): Promise<T> {
    const key = id.toUpperCase();
    const { signal } = wait;
    if (this.#pending.size >= this.#maxInFlight) {
      const message = `${this.#maxInFlight} requests are waiting on this connection already; try again later`;
      return Promise.reject(new NbwssError("busy", message));
    }
    if (signal?.aborted === true) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      const abort = () => this.#take(key)?.reject(cancelled());
      const timer: Timer = this.#clock.after(wait.timeoutMs, () =>
        this.#take(key)?.reject(
          new NbwssError("timeout", `no response within ${wait.timeoutMs} ms; it may still be carried out`),
        ),
      );
      const cleanUp = () => {
        timer.cancel();
        signal?.removeEventListener("abort", abort);
      };
      signal?.addEventListener("abort", abort);
      this.#pending.set(key, {
        resolve(value) {
          cleanUp();
          resolve(value);
        },
        reject(error) {
          cleanUp();
          reject(error);
        },
      });
      try {
        send();
        wait.begun?.(() => this.#take(key)?.reject(cancelled()));
      } catch (error) {
        this.#take(key)?.reject(error as Error);
      }
    });
  }

  /** Gives a response to the request that waits for it; false when none does (it came too late). */
  settle(id: string, value: T): boolean {
    const pending = this.#take(id.toUpperCase());
    pending?.resolve(value);
    return pending !== undefined;
  }

  /** Fails the one request `id`; false when it does not wait. */
  fail(id: string, error: NbwssError): boolean {
    const pending = this.#take(id.toUpperCase());
    pending?.reject(error);
    return pending !== undefined;
  }

  /** Fails every request that waits, as the connection has ended. */
  failAll(error: NbwssError): void {
    for (const key of this.#pending.keys()) this.#take(key)?.reject(error);
  }

  #take(key: string): Pending<T> | undefined {
    const pending = this.#pending.get(key);
    this.#pending.delete(key);
    return pending;
  }
}

function cancelled(): NbwssError {
  return new NbwssError("cancelled", "the caller has gone; the request may still be carried out");
}
