import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { imageNotification, type NotificationJournal } from "../journal/notification.ts";
import { limits } from "../limits.ts";
import type { Snapshot } from "../storage/restic-output.ts";
import { wormLockOn } from "../storage/storage-settings.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import type { Catalogue } from "./catalogue.ts";
import type { CatalogueImage } from "./image.ts";

/** What expiry works on. */
export interface ExpiryOptions {
  database: Database;
  catalogue: Catalogue;
  journal: NotificationJournal;
  units: StorageUnits;
  clock: Clock;
  log: Logger;
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
  /** What is under way on each storage unit: one that is away keeps no other waiting. */
  readonly #working = new Map<string, Promise<void>>();

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
  async idle(): Promise<void> {
    await Promise.all(this.#working.values());
  }

  /** Stops; what is under way is finished first, what only waits is done at the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wake(): void {
    const names = new Set(this.#options.catalogue.listExpiring().map(({ storageUnit }) => storageUnit));
    for (const name of names) {
      const before = this.#working.get(name) ?? Promise.resolve();
      const work = before
        .then(() => this.#removeAll(name))
        .catch((error: unknown) => {
          // Tried again by the next sweep; the intent is durable.
          if (this.#closing.signal.aborted) return;
          this.#options.log.error({ err: error, storageUnit: name }, "image.expiry_failed");
        });
      this.#working.set(name, work);
    }
  }

  async #removeAll(name: string): Promise<void> {
    const { catalogue, units } = this.#options;
    const listExpiring = () => catalogue.listExpiring().filter(({ storageUnit }) => storageUnit === name);
    if (this.#closing.signal.aborted || listExpiring().length === 0) return;
    const unit = units.get(name);
    await unit.ready();
    await unit.restic.lock.withExclusive(async () => {
      const snapshots = await unit.listOwnSnapshots();
      const images = this.#withoutLocked(listExpiring(), snapshots);
      if (images.length === 0) return;
      const present = new Set(snapshots.map((snapshot) => snapshot.id));
      await unit.restic.forget(images.map((image) => image.snapshotId).filter((id) => present.has(id)));
      await unit.restic.prune();
      this.#commit(images);
    }, this.#closing.signal);
  }

  /** Whatever the database says: the snapshot itself bears until when it is immutable. */
  #withoutLocked(images: readonly CatalogueImage[], snapshots: readonly Snapshot[]): CatalogueImage[] {
    const { catalogue, clock, log } = this.#options;
    const locks = new Map(snapshots.map((snapshot) => [snapshot.id, wormLockOn(snapshot)]));
    return images.filter(({ backupId, snapshotId }) => {
      const untilMs = locks.get(snapshotId) ?? null;
      if (untilMs === null || untilMs <= clock.nowMs()) return true;
      log.error({ backupId, until: new Date(untilMs).toISOString() }, "image.locked");
      catalogue.keep(backupId, untilMs);
      return false;
    });
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
