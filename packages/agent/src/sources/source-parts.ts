import type { Database } from "@sallyport/durable";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { PollingLimits } from "../limits.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { SourceMarksStore } from "./source-marks.ts";
import type { UpstreamReader } from "./upstream-reader.ts";

/** What every source works on. */
export interface SourceParts {
  /** Holds the outbox too, so that what is remembered and what is told of it commit together. */
  database: Database;
  outbox: Outbox;
  marks: SourceMarksStore;
  reader: UpstreamReader;
  limits: PollingLimits;
  clock: Clock;
  log: Logger;
  /** How often all is compared, ms. */
  resyncEveryMs: () => number;
}

/** What one source has come to so far. */
export interface SourceCounts {
  /** Notifications handed to the outbox. */
  notifications: number;
  /** Items that could not be read, or not be remembered. */
  ignored: number;
  /** Items that are remembered. */
  known: number;
}
