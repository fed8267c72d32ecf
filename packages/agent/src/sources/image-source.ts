import { z } from "zod";
import { nextHighWater } from "./high-water.ts";
import { compareImages, imageNotification, readImage, type KnownImage } from "./image-changes.ts";
import { ImageSnapshot } from "./image-snapshot.ts";
import { filterTime } from "./iso-time.ts";
import { ItemReader } from "./item-reader.ts";
import { readListing } from "./listing.ts";
import type { SourceMarks } from "./source-marks.ts";
import { SourceError } from "./source-error.ts";
import type { SourceCounts, SourceParts } from "./source-parts.ts";

const source = "images";
const path = "/netbackup/catalog/images";
const one = z.object({ data: z.unknown() });

/**
 * Reads the upstream's images, and tells of those that have changed: the recent ones often, all of them now and then. One that is not
 * listed any more, or whose time is up, is looked at by itself before it is told of as deleted.
 */
export class ImageSource {
  readonly #parts: SourceParts;
  readonly #snapshot: ImageSnapshot;
  readonly #items: ItemReader<KnownImage>;
  #notifications = 0;
  #beyondBound = 0;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#snapshot = new ImageSnapshot(parts.database);
    this.#items = new ItemReader(readImage, parts.log.child({ source }));
  }

  get counts(): SourceCounts {
    const ignored = this.#items.ignored + this.#beyondBound;
    return { notifications: this.#notifications, ignored, known: this.#snapshot.size };
  }

  /** How far it has come; undefined before the first reading. */
  get marks(): SourceMarks | undefined {
    return this.#parts.marks.read(source);
  }

  /**
   * One reading of the recent images, and a look at those that are due.
   * @throws SourceError; what was seen until then is kept
   */
  async pollRecent(signal: AbortSignal): Promise<void> {
    const { limits } = this.#parts;
    const { markMs, reading } = await this.#nextReading(signal);
    const sinceMs = Math.max(0, markMs - limits.imageWindowMs);
    const { serverNowMs, latestMs } = await this.#readSince(sinceMs, reading, signal);
    this.#write((marks) => ({
      ...marks,
      ...nextHighWater(marks, { serverNowMs, latestMs }, limits.overlapMs),
    }));
    // Whole seconds, since an image's time has no more: one on the edge may or may not have been listed.
    this.#snapshot.lookForUnseen(reading, Math.ceil(sinceMs / 1000) + 1);
    await this.#lookAtDue(serverNowMs, signal);
  }

  /**
   * Compares all images.
   * @throws SourceError; what was seen until then is kept
   */
  async pollAll(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const { reading, isComplete } = await this.#nextReading(signal);
    await this.#readSince(0, reading, signal);
    this.#write((marks) => ({ ...marks, isComplete: true, resyncedAtMs: clock.now() }));
    const unseen = this.#snapshot.lookForUnseen(reading, 0);
    log.info({ source, known: this.#snapshot.size, unseen }, isComplete ? "poll.compared" : "poll.began");
  }

  /** How long until all images are to be compared, ms. */
  get resyncInMs(): number {
    const { clock, resyncEveryMs } = this.#parts;
    const marks = this.marks;
    if (marks?.isComplete !== true) return 0;
    const sinceMs = clock.now() - marks.resyncedAtMs;
    return sinceMs < 0 ? 0 : Math.max(0, resyncEveryMs() - sinceMs);
  }

  /** Gives a reading its number, durably: what is seen in it is told from what was seen before. */
  async #nextReading(signal: AbortSignal): Promise<SourceMarks> {
    if (this.marks === undefined) await this.#begin(signal);
    return this.#write((marks) => ({ ...marks, reading: marks.reading + 1 }));
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { reader, marks, clock } = this.#parts;
    const answer = await reader.read(`${path}?page%5Blimit%5D=1`, signal);
    // The other loop may have begun meanwhile.
    if (marks.read(source) !== undefined) return;
    this.#snapshot.clear();
    const beganAtMs = answer?.serverNowMs ?? clock.now();
    marks.write(source, { beganAtMs, markMs: beganAtMs, isComplete: false, reading: 0, resyncedAtMs: 0 });
  }

  #write(change: (marks: SourceMarks) => SourceMarks): SourceMarks {
    return this.#parts.database.transaction(() => {
      const before = this.marks;
      if (before === undefined) throw new TypeError("a reading goes before its end");
      const after = change(before);
      this.#parts.marks.write(source, after);
      return after;
    });
  }

  async #readSince(sinceMs: number, reading: number, signal: AbortSignal) {
    const { reader, limits, clock } = this.#parts;
    const { pageSize, maxPages } = limits;
    const listing = { path, filter: `backupTime ge ${filterTime(sinceMs)}`, pageSize, maxPages };
    let serverNowMs: number | undefined;
    let latestMs: number | undefined;
    for await (const page of readListing((address) => reader.read(address, signal), listing)) {
      serverNowMs ??= page.serverNowMs;
      const images = this.#items.readAll(page.items);
      this.#take(images, reading, page.serverNowMs);
      for (const { createdTime } of images) latestMs = Math.max(latestMs ?? 0, createdTime * 1000);
    }
    return { serverNowMs: serverNowMs ?? clock.now(), latestMs };
  }

  async #lookAtDue(serverNowMs: number, signal: AbortSignal): Promise<void> {
    const { reader, limits } = this.#parts;
    for (const image of this.#snapshot.due(Math.floor(serverNowMs / 1000), limits.maxLooks)) {
      const answer = await reader.read(`${path}/${encodeURIComponent(image.backupId)}`, signal);
      if (answer === undefined) this.#delete(image);
      else this.#take([this.#readOne(answer.body)], this.marks?.reading ?? 0, answer.serverNowMs);
    }
  }

  #readOne(body: unknown): KnownImage {
    const [image] = this.#items.readAll([one.safeParse(body).data?.data]);
    if (image !== undefined) return image;
    throw new SourceError("upstream_unexpected", `the upstream shows an image that is none at ${path}`);
  }

  /** What is remembered and what is told of it commit together: killed anywhere, nothing is told twice or not at all. */
  #take(seen: readonly KnownImage[], reading: number, serverNowMs: number): void {
    const { database, outbox } = this.#parts;
    const marks = this.marks;
    // Once all that was there is known, whatever is not known is news, however old: imported, say.
    const silentBefore = marks?.isComplete === true ? 0 : Math.floor((marks?.beganAtMs ?? 0) / 1000);
    const known = this.#snapshot.find(seen.map(({ backupId }) => backupId));
    const page = this.#withinBound(seen, known);
    const { notifications, rows } = compareImages(known, page, silentBefore);
    database.transaction(() => {
      outbox.append(notifications);
      this.#snapshot.put(rows, reading, Math.floor(serverNowMs / 1000));
    });
    this.#told(notifications.length);
  }

  #delete(image: KnownImage): void {
    const { database, outbox } = this.#parts;
    database.transaction(() => {
      outbox.append([imageNotification(image, "DELETE")]);
      this.#snapshot.forget(image.backupId);
    });
    this.#told(1);
  }

  #told(count: number): void {
    if (count === 0) return;
    this.#notifications += count;
    this.#parts.outbox.flush();
  }

  /** One that can't be remembered can't be told of: it would be new each time. */
  #withinBound(seen: readonly KnownImage[], known: ReadonlyMap<string, KnownImage>): readonly KnownImage[] {
    if (known.size === seen.length) return seen;
    const { limits, log } = this.#parts;
    let room = limits.maxImages - this.#snapshot.size;
    const within = seen.filter(({ backupId }) => {
      if (known.has(backupId)) return true;
      room -= 1;
      return room >= 0;
    });
    const beyond = seen.length - within.length;
    if (beyond > 0 && this.#beyondBound === 0) {
      log.error({ source, maxImages: limits.maxImages }, "poll.images_beyond_bound");
    }
    this.#beyondBound += beyond;
    return within;
  }
}
