import { fdatasync, fdatasyncSync, fsyncSync, openSync, closeSync, existsSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Brings what SQLite has committed to its write-ahead log onto the disk, without keeping the event loop waiting. With
 * `synchronous=NORMAL` SQLite itself syncs that file only before a checkpoint; a commit is durable when `sync` has
 * resolved, exactly as with `synchronous=FULL`, where the commit waits for the same call.
 */
export class WalSync implements Disposable {
  readonly #path: string;
  #file: number | undefined;

  /** @param databasePath the database; its write-ahead log lies beside it for as long as it is open */
  constructor(databasePath: string) {
    this.#path = `${databasePath}-wal`;
  }

  /** For the start: what a killed process has committed becomes durable before anybody reads it. */
  syncNow(): void {
    if (existsSync(this.#path)) fdatasyncSync(this.#open());
  }

  /**
   * Resolves when all that was committed before the call is on the disk.
   * @throws Error of the file system; then nobody knows what of it is there
   */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#open(), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  /** Closes the file; calling it again does nothing. */
  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #open(): number {
    if (this.#file !== undefined) return this.#file;
    const folder = openSync(dirname(this.#path), "r");
    try {
      // That the file is there at all has to survive too.
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
    this.#file = openSync(this.#path, "r");
    return this.#file;
  }
}
