import { randomUUID } from "node:crypto";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import type { SnapshotEntry } from "../storage/snapshot-listing.ts";
import type { CatalogueImage } from "./image.ts";

interface ContentRequest {
  entries: AsyncGenerator<SnapshotEntry, void, undefined>;
  pageItems: number;
  /** How many have been read. */
  offset: number;
  /** The first entry of the next page, read ahead to know whether there is one. */
  ahead: SnapshotEntry | undefined;
  release: () => void;
  timer: NodeJS.Timeout;
  /** Pages are read one after the other. */
  reading: Promise<unknown>;
}

/** A page of an image's contents. */
export interface ContentPage {
  entries: SnapshotEntry[];
  offset: number;
  limit: number;
}

/**
 * Readings of images page by page (NetBackup REST, contents of an image): each is a restic whose output waits between
 * the pages, so that an image of any size takes no more memory than one page.
 */
export class ImageContents implements AsyncDisposable {
  readonly #units: StorageUnits;
  readonly #requests = new Map<string, ContentRequest>();
  /** The readings whose restic has not ended. */
  readonly #readings = new Set<Promise<void>>();
  #measuring = 0;

  constructor(units: StorageUnits) {
    this.#units = units;
  }

  /**
   * Begins to read an image.
   * @throws PrimaryError `busy` when too many are being read, `no_storage_unit`
   */
  open(image: CatalogueImage, pageItems: number): string {
    if (this.#requests.size >= limits.maxContentRequests) {
      throw new PrimaryError(
        "busy",
        `${limits.maxContentRequests} images are being read already: try again later`,
      );
    }
    const id = randomUUID();
    const closing = Promise.withResolvers<void>();
    const { restic } = this.#units.get(image.storageUnit);
    const entries = restic.listEntries(image.snapshotId);
    const first = Promise.withResolvers<SnapshotEntry | undefined>();
    // The lock keeps a prune from taking away what is being read.
    const ended = restic.lock.withShared(async () => {
      await entries.next().then(({ value }) => first.resolve(value ?? undefined), first.reject);
      await closing.promise;
      await entries.return();
    });
    const reading = ended.catch(() => {}).finally(() => this.#readings.delete(reading));
    this.#readings.add(reading);
    const request: ContentRequest = {
      entries,
      pageItems,
      offset: 0,
      ahead: undefined,
      release: closing.resolve,
      timer: setTimeout(() => this.#forget(id), limits.contentIdleMs).unref(),
      reading: first.promise.then((entry) => {
        request.ahead = entry;
      }),
    };
    // Told to whoever asks for the first page.
    request.reading.catch(() => {});
    this.#requests.set(id, request);
    return id;
  }

  /**
   * Reads the next page. After the last one the reading is forgotten.
   * @throws PrimaryError `not_found`, or what restic failed with
   */
  async next(id: string): Promise<ContentPage> {
    const request = this.#get(id);
    request.timer.refresh();
    const page = request.reading.then(() => readPage(request));
    request.reading = page;
    let read: ContentPage;
    try {
      read = await page;
    } catch (error) {
      this.#forget(id);
      throw error;
    }
    if (request.ahead === undefined) this.#forget(id);
    return read;
  }

  /**
   * Counts what an image holds of these paths and below them, each entry once.
   * @throws PrimaryError `busy` when too many are being counted, or what restic failed with
   */
  async measure(
    image: CatalogueImage,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<{ bytes: number; files: number; folders: number }> {
    if (this.#measuring >= limits.maxMeasuredImages) {
      throw new PrimaryError(
        "busy",
        `${limits.maxMeasuredImages} images are being counted already: try again later`,
      );
    }
    this.#measuring += 1;
    try {
      const wanted = new Set(paths);
      const found = { bytes: 0, files: 0, folders: 0 };
      const { restic } = this.#units.get(image.storageUnit);
      await restic.lock.withShared(async () => {
        for await (const entry of restic.listEntries(image.snapshotId, { signal })) {
          if (!isBelow(entry.path, wanted)) continue;
          found.bytes += entry.size;
          if (entry.isFolder) found.folders += 1;
          else found.files += 1;
        }
      });
      return found;
    } finally {
      this.#measuring -= 1;
    }
  }

  /** Ends a reading. @throws PrimaryError `not_found` */
  close(id: string): void {
    this.#get(id);
    this.#forget(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#requests.keys()) this.#forget(id);
    await Promise.all(this.#readings);
  }

  #get(id: string): ContentRequest {
    const request = this.#requests.get(id);
    if (request !== undefined) return request;
    throw new PrimaryError(
      "not_found",
      `there is no reading ${id}: it was read to its end, or not asked for in time`,
    );
  }

  #forget(id: string): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    clearTimeout(request.timer);
    this.#requests.delete(id);
    request.release();
  }
}

/** Whether a path is one of those, or lies below one. */
function isBelow(path: string, wanted: ReadonlySet<string>): boolean {
  for (let at = path; at.length > 1; at = at.slice(0, Math.max(1, at.lastIndexOf("/")))) {
    if (wanted.has(at)) return true;
  }
  return wanted.has("/");
}

async function readPage(request: ContentRequest): Promise<ContentPage> {
  const { pageItems: limit, offset } = request;
  const entries: SnapshotEntry[] = request.ahead === undefined ? [] : [request.ahead];
  request.ahead = undefined;
  while (entries.length <= limit) {
    const { value, done } = await request.entries.next();
    if (done === true) break;
    if (value !== undefined) entries.push(value);
  }
  if (entries.length > limit) request.ahead = entries.pop();
  request.offset += entries.length;
  return { entries, offset, limit };
}
