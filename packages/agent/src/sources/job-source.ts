import { z } from "zod";
import { nextHighWater, askFromMs } from "./high-water.ts";
import { filterTime } from "./iso-time.ts";
import { ItemReader } from "./item-reader.ts";
import { compareJobs, readJob, type SeenJob } from "./job-changes.ts";
import { JobSnapshot } from "./job-snapshot.ts";
import { readListing } from "./listing.ts";
import type { SourceMarks } from "./source-marks.ts";
import type { SourceCounts, SourceParts } from "./source-parts.ts";

const source = "jobs";
const path = "/netbackup/admin/jobs";
const one = z.object({ data: z.unknown() });

/** Reads the upstream's jobs, and tells of those that have changed. */
export class JobSource {
  readonly #parts: SourceParts;
  readonly #snapshot: JobSnapshot;
  readonly #items: ItemReader<SeenJob>;
  #notifications = 0;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#snapshot = new JobSnapshot(parts.database);
    this.#items = new ItemReader(readJob, parts.log.child({ source }));
  }

  get counts(): SourceCounts {
    const { ignored } = this.#items;
    return { notifications: this.#notifications, ignored, known: this.#snapshot.size };
  }

  /** How far it has come; undefined before the first reading. */
  get marks(): SourceMarks | undefined {
    return this.#parts.marks.read(source);
  }

  /**
   * One reading: what was changed since the last one, or, the first time, what is not over.
   * @throws SourceError; what was seen until then is kept
   */
  async poll(signal: AbortSignal): Promise<void> {
    const { clock, resyncEveryMs } = this.#parts;
    const before = this.marks;
    if (before === undefined) {
      await this.#begin(signal);
      return;
    }
    const { overlapMs } = this.#parts.limits;
    const reading = before.reading + 1;
    const since = `lastUpdateTime ge ${filterTime(askFromMs(before, overlapMs))}`;
    const { serverNowMs, latestMs } = await this.#readAll(since, reading, signal);
    const sinceResyncMs = clock.now() - before.resyncedAtMs;
    const isResync = sinceResyncMs >= resyncEveryMs() || sinceResyncMs < 0;
    if (isResync) await this.#lookAtQuiet(reading, signal);
    this.#finish({
      ...before,
      ...nextHighWater(before, { serverNowMs, latestMs }, overlapMs),
      reading,
      resyncedAtMs: isResync ? clock.now() : before.resyncedAtMs,
    });
  }

  async #begin(signal: AbortSignal): Promise<void> {
    this.#snapshot.clear();
    const { serverNowMs } = await this.#readAll("state ne 'DONE'", 1, signal);
    const marks = { beganAtMs: serverNowMs, markMs: serverNowMs, isComplete: true, reading: 1 };
    this.#finish({ ...marks, resyncedAtMs: this.#parts.clock.now() });
    this.#parts.log.info({ source, open: this.#snapshot.size }, "poll.began");
  }

  async #readAll(filter: string, reading: number, signal: AbortSignal) {
    const { reader, limits } = this.#parts;
    const { pageSize, maxPages } = limits;
    // By id, so that what begins meanwhile comes at the end.
    const listing = { path, filter, sort: "jobId", pageSize, maxPages };
    let serverNowMs: number | undefined;
    let latestMs: number | undefined;
    for await (const page of readListing((address) => reader.read(address, signal), listing)) {
      serverNowMs ??= page.serverNowMs;
      const jobs = this.#items.readAll(page.items);
      this.#take(jobs, reading);
      for (const { updatedAtMs } of jobs) latestMs = Math.max(latestMs ?? 0, updatedAtMs);
    }
    return { serverNowMs: serverNowMs ?? this.#parts.clock.now(), latestMs };
  }

  /** Jobs that run for long change nothing that is listed; and one that the server has forgotten is never listed again. */
  async #lookAtQuiet(reading: number, signal: AbortSignal): Promise<void> {
    const { reader, limits, log } = this.#parts;
    for (const jobId of this.#snapshot.openUnseenSince(reading, limits.maxLooks)) {
      const answer = await reader.read(`${path}/${jobId}`, signal);
      if (answer !== undefined) {
        this.#take(this.#items.readAll([one.safeParse(answer.body).data?.data]), reading);
        continue;
      }
      // How it ended nobody can tell any more.
      log.warn({ source, jobId }, "poll.job_vanished");
      this.#snapshot.forget(jobId);
    }
  }

  /** What is remembered and what is told of it commit together: killed anywhere, nothing is told twice or not at all. */
  #take(jobs: readonly SeenJob[], reading: number): void {
    const { database, outbox } = this.#parts;
    const known = this.#snapshot.find(jobs.map(({ jobId }) => jobId));
    const { notifications, rows } = compareJobs(known, jobs);
    database.transaction(() => {
      outbox.append(notifications);
      this.#snapshot.put(rows, reading);
    });
    if (notifications.length === 0) return;
    this.#notifications += notifications.length;
    outbox.flush();
  }

  #finish(marks: SourceMarks): void {
    const { database, limits } = this.#parts;
    database.transaction(() => {
      this.#parts.marks.write(source, marks);
      this.#snapshot.prune(marks.markMs - limits.keepDoneJobsMs, limits.maxJobs);
    });
  }
}
