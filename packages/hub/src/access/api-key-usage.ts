import type { Logger } from "pino";
import type { Recorder } from "../log/recorder.ts";
import type { ApiKeyRecord } from "../views/api-keys.ts";

/** What noting the use of keys needs. */
export interface ApiKeyUsageOptions {
  recorder: Pick<Recorder, "record">;
  logger: Logger;
  /** How often the use of one key is written down at most, ms. */
  intervalMs: number;
  /** Epoch ms. */
  now: () => number;
}

/** When a key was used last. */
export interface ApiKeyUse {
  /** ISO 8601. */
  lastUsedAt: string | null;
  lastUsedFrom: string | null;
}

interface Use {
  atMs: number;
  from: string;
  /** When it was written down last; 0 for not since the start. */
  writtenAtMs: number;
}

/**
 * Notes when each API key was used last and from where: at once in memory, in the log at most once in an interval and at the end, so that
 * no request waits for it. As many keys as there are.
 */
export class ApiKeyUsage {
  readonly #options: ApiKeyUsageOptions;
  readonly #uses = new Map<string, Use>();
  readonly #writing = new Set<Promise<void>>();

  constructor(options: ApiKeyUsageOptions) {
    this.#options = options;
  }

  /** Notes that a key was used just now. */
  note(id: string, from: string): void {
    const { intervalMs, now } = this.#options;
    const atMs = now();
    const use = this.#uses.get(id) ?? { atMs, from, writtenAtMs: 0 };
    use.atMs = atMs;
    use.from = from;
    this.#uses.set(id, use);
    if (atMs - use.writtenAtMs >= intervalMs) this.#write(id, use);
  }

  /** When a key was used last, the uses that are not written down yet included. */
  of({ id, lastUsedAt, lastUsedFrom }: ApiKeyRecord): ApiKeyUse {
    const use = this.#uses.get(id);
    if (use === undefined) return { lastUsedAt, lastUsedFrom };
    return { lastUsedAt: new Date(use.atMs).toISOString(), lastUsedFrom: use.from };
  }

  /** Forgets a key that is no more. */
  forget(id: string): void {
    this.#uses.delete(id);
  }

  /** Writes down what is not yet; resolves when all is written or was given up. */
  async settled(): Promise<void> {
    for (const [id, use] of this.#uses) if (use.atMs > use.writtenAtMs) this.#write(id, use);
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  #write(id: string, use: Use): void {
    const { recorder, logger } = this.#options;
    use.writtenAtMs = use.atMs;
    const at = new Date(use.atMs).toISOString();
    const writing = recorder
      .record("sallyport.api-key.used", `/api-keys/${id}`, { id, at, from: use.from })
      .then(
        () => {},
        // The next use is written again; nobody's request fails for it.
        (err: unknown) => logger.error({ err, apiKey: id }, "api_key.use_not_recorded"),
      );
    this.#writing.add(writing);
    void writing.then(() => this.#writing.delete(writing));
  }
}
