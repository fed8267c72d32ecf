type Mode = "shared" | "exclusive";

interface Waiter {
  mode: Mode;
  grant: () => void;
}

/**
 * Many readers or one writer, in order of arrival: restic 0.14 fails at once when the repository is locked, so
 * forget and prune wait here until backups and restores have ended, and these until it has.
 */
export class RepositoryLock {
  #shared = 0;
  #exclusive = false;
  readonly #waiting: Waiter[] = [];

  /** Whether nobody holds it. */
  get isFree(): boolean {
    return this.#shared === 0 && !this.#exclusive;
  }

  /** Runs `work` while no exclusive work runs. */
  withShared<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#run("shared", work, signal);
  }

  /** Runs `work` while nothing else runs. */
  withExclusive<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#run("exclusive", work, signal);
  }

  async #run<T>(mode: Mode, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#acquire(mode, signal);
    try {
      return await work();
    } finally {
      if (mode === "exclusive") this.#exclusive = false;
      else this.#shared -= 1;
      this.#grantNext();
    }
  }

  #acquire(mode: Mode, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        this.#grantNext();
        reject(signal?.reason as Error);
      };
      const waiter = {
        mode,
        grant: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiter);
      this.#grantNext();
    });
  }

  #grantNext(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || this.#exclusive) return;
      if (next.mode === "exclusive" && this.#shared > 0) return;
      this.#waiting.shift();
      if (next.mode === "exclusive") this.#exclusive = true;
      else this.#shared += 1;
      next.grant();
    }
  }
}
