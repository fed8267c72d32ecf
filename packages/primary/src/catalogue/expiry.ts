import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { imageNotification, type NotificationJournal } from "../journal/notification.ts";
import { limits } from "../limits.ts";
import type { Restic } from "../storage/restic.ts";
import type { Catalogue } from "./catalogue.ts";
import type { CatalogueImage } from "./image.ts";

/** What expiry works on. */
export interface ExpiryOptions {
  database: Database;
  catalogue: Catalogue;
  journal: NotificationJournal;
  restic: Restic;
  clock: Clock;
  log: Logger;
  /** Resolves when the repository can be used. */
  ready: () => Promise<void>;
}

/**
 * Deletes images in three steps that may be interrupted anywhere: the intent is committed (from then on the image is not
 * shown), restic forgets and prunes, and the row's deletion is committed with its notification. What is not finished
 * is done again, at start and every `expirySweepMs`.
 */
export class Expiry implements AsyncDisposable {
  readonly #options: ExpiryOptions;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Begins to look for images whose time has come. */
  start(): void {
    this.#timer = setInterval(() => this.sweep(), limits.expirySweepMs);
    this.#timer.unref();
  }

  /**
   * Sets when images expire, all or none of them, durably; the deletion of those whose time has come follows as soon as
   * no job uses the repository. This is the one way to an image's end that anybody can ask for.
   * @param expiresAtMs epoch ms, `null` for never
   * @throws PrimaryError `image_locked` when one is immutable beyond that time
   */
  setExpiration(images: readonly CatalogueImage[], expiresAtMs: number | null): void {
    const { database, catalogue, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    database.transaction(() => {
      for (const { backupId, wormUntilMs } of images) {
        if (expiresAtMs !== null && wormUntilMs !== null && wormUntilMs > Math.max(nowMs, expiresAtMs)) {
          const until = new Date(wormUntilMs).toISOString();
          throw new PrimaryError(
            "image_locked",
            `the image ${backupId} is immutable until ${until}: nothing can expire it before`,
          );
        }
        catalogue.setExpiration(backupId, expiresAtMs);
        if (expiresAtMs !== null && expiresAtMs <= nowMs) catalogue.markExpiring(backupId, nowMs);
      }
    });
    log.info({ backupIds: images.map(({ backupId }) => backupId), expiresAtMs }, "image.expiration_set");
    if (expiresAtMs !== null && expiresAtMs <= nowMs) this.#wake();
  }

  /** Intends the deletion of every image whose time has come, and works on all that is intended. */
  sweep(): void {
    this.#options.catalogue.markExpired(this.#options.clock.nowMs());
    this.#wake();
  }

  /** Resolves when all that was intended until now has been tried. */
  idle(): Promise<void> {
    return this.#working;
  }

  /** Stops; what is under way is finished first, what only waits is done at the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#working;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wake(): void {
    this.#working = this.#working
      .then(() => this.#removeAll())
      .catch((error: unknown) => {
        // Tried again by the next sweep; the intent is durable.
        if (!this.#closing.signal.aborted) this.#options.log.error({ err: error }, "image.expiry_failed");
      });
  }

  async #removeAll(): Promise<void> {
    const { catalogue, restic } = this.#options;
    if (this.#closing.signal.aborted || catalogue.listExpiring().length === 0) return;
    await this.#options.ready();
    await restic.lock.withExclusive(async () => {
      const images = catalogue.listExpiring();
      const present = new Set((await restic.listSnapshots()).map((snapshot) => snapshot.id));
      await restic.forget(images.map((image) => image.snapshotId).filter((id) => present.has(id)));
      await restic.prune();
      this.#commit(images);
    }, this.#closing.signal);
  }

  #commit(images: readonly CatalogueImage[]): void {
    const { database, catalogue, journal, log } = this.#options;
    database.transaction(() => {
      for (const image of images) catalogue.delete(image.backupId);
      journal.append(images.map((image) => imageNotification(image, "DELETE")));
    });
    journal.flush?.();
    for (const image of images) log.info({ backupId: image.backupId }, "image.deleted");
  }
}
