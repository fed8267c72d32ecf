import type { Database } from "@sallyport/durable";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { CommandExecutor } from "../executor.ts";
import { defaultPollingLimits, type PollingLimits } from "../limits.ts";
import type { Outbox } from "../outbox/outbox.ts";
import { ImageSource } from "./image-source.ts";
import { JobSource } from "./job-source.ts";
import { SourceLoop, type SourceStatus } from "./source-loop.ts";
import { SourceMarksStore } from "./source-marks.ts";
import type { SourceCounts, SourceParts } from "./source-parts.ts";
import { UpstreamReader } from "./upstream-reader.ts";

/** What may be read. */
export const pollable = ["jobs", "images"] as const;

/** What is read how often. */
export interface PollingTerms {
  what: readonly (typeof pollable)[number][];
  /** From one reading of the jobs to the next, ms; `notification.scheduledRate` unless said. */
  jobsEveryMs?: number | undefined;
  /** From one reading of the recent images to the next, ms. */
  imagesEveryMs?: number | undefined;
  /** How often everything is compared, ms. */
  resyncEveryMs?: number | undefined;
}

const defaultImagesEveryMs = 60_000;
const defaultResyncEveryMs = 3_600_000;

/** What a poller is made of. */
export interface PollerOptions {
  database: Database;
  outbox: Outbox;
  /** Calls the upstream as the agent. */
  executor: CommandExecutor;
  /** The upstream; what is remembered of another one is forgotten. */
  origin: string;
  terms: PollingTerms;
  /** `notification.scheduledRate` of the moment, ms. */
  scheduledRateMs(): number;
  limits?: Partial<PollingLimits> | undefined;
  clock: Clock;
  log: Logger;
  /** In [0, 1). */
  random?(): number;
}

/** How polling does. */
export interface PollingStatus {
  /** `jobs`; `images`, the recent ones; `catalogue`, all of them, whose counts are with `images`. */
  sources: (SourceStatus & Partial<SourceCounts> & { markMs?: number | undefined })[];
  requests: number;
  /** How far the server's clock is ahead, ms; undefined until it was told. */
  skewMs: number | undefined;
}

/**
 * Makes notifications of what changes in the jobs and images of a REST server that has no NBWSS of its own, or none that is used: by
 * reading it, and comparing (NBWSS, NOTIFICATION: states are polled).
 */
export class Poller implements AsyncDisposable {
  readonly #reader: UpstreamReader;
  readonly #loops: { loop: SourceLoop; source?: JobSource | ImageSource }[] = [];

  constructor(options: PollerOptions) {
    const { database, outbox, executor, origin, terms, clock, log } = options;
    const limits = { ...defaultPollingLimits, ...options.limits };
    this.#reader = new UpstreamReader({ executor, clock, pauseMs: limits.pauseMs });
    const resyncEveryMs = () => terms.resyncEveryMs ?? defaultResyncEveryMs;
    const marks = new SourceMarksStore(database, origin);
    const parts: SourceParts = {
      database,
      outbox,
      marks,
      reader: this.#reader,
      limits,
      clock,
      log,
      resyncEveryMs,
    };
    const loop = (name: string, poll: (signal: AbortSignal) => Promise<void>, everyMs: () => number) =>
      new SourceLoop({
        name,
        poll,
        everyMs,
        maxBackoffMs: limits.maxBackoffMs,
        clock,
        log,
        random: () => options.random?.() ?? Math.random(),
      });
    if (terms.what.includes("jobs")) {
      const source = new JobSource(parts);
      const everyMs = () => terms.jobsEveryMs ?? options.scheduledRateMs();
      this.#loops.push({ source, loop: loop("jobs", (signal) => source.poll(signal), everyMs) });
    }
    if (terms.what.includes("images")) {
      const source = new ImageSource(parts);
      const everyMs = () => terms.imagesEveryMs ?? defaultImagesEveryMs;
      this.#loops.push({ source, loop: loop("images", (signal) => source.pollRecent(signal), everyMs) });
      const all = loop(
        "catalogue",
        (signal) => this.#compareAll(source, signal),
        () => source.resyncInMs,
      );
      this.#loops.push({ loop: all });
    }
  }

  /** Begins to read. */
  start(): void {
    for (const { loop } of this.#loops) loop.start();
  }

  status(): PollingStatus {
    const { requests, skewMs } = this.#reader;
    const sources = this.#loops.map(({ loop, source }) => ({
      ...loop.status,
      ...(source === undefined ? {} : { ...source.counts, markMs: source.marks?.markMs }),
    }));
    return { sources, requests, skewMs };
  }

  /** Ends reading; what was seen is kept. */
  async close(): Promise<void> {
    await Promise.all(this.#loops.map(({ loop }) => loop.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A restart does not begin it anew when it is not due. */
  async #compareAll(source: ImageSource, signal: AbortSignal): Promise<void> {
    if (source.resyncInMs === 0) await source.pollAll(signal);
  }
}
