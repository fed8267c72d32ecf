import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { HubLimits } from "../config/limits.ts";
import type { TrimmedKind, TrimmedView } from "../views/trimmed.ts";
import type { EventLog, TrimCursor } from "./log.ts";
import type { Recorder } from "./recorder.ts";

/** Connection events of each primary that stay, whatever their age: how its connections stand is folded from them. */
const keptConnectionEvents = 16;
/** The part of all positions that goes at a time when the log is too large. */
const sizeStep = 0.05;
/** Trimming by size ends when the log is this part of its bound, so that it does not begin again at once. */
const sizeGoal = 0.9;

/** One kind of events that go when they are old; whatever else the log has stays for good. */
interface RetainedKind {
  types: readonly string[];
  keepPerSource: number;
  limit: "retainNotificationsMs" | "retainAuditMs";
}

/** In the order in which they go when the log is too large. */
const kinds: readonly RetainedKind[] = [
  { types: ["netbackup.", "sallyport.command."], keepPerSource: 0, limit: "retainNotificationsMs" },
  { types: ["sallyport.connection."], keepPerSource: keptConnectionEvents, limit: "retainNotificationsMs" },
  {
    types: ["sallyport.refusal", "sallyport.primary.token.shared", "sallyport.notifications.gap"],
    keepPerSource: 0,
    limit: "retainNotificationsMs",
  },
  // When each key was used last, and each user signed in last.
  {
    types: ["sallyport.api-key.used", "sallyport.user.signed-in"],
    keepPerSource: 1,
    limit: "retainNotificationsMs",
  },
  { types: ["sallyport.audit"], keepPerSource: 0, limit: "retainAuditMs" },
];

/** What retention needs. */
export interface RetentionOptions {
  log: Pick<EventLog, "trim" | "newest" | "positionAt" | "usedBytes" | "select" | "lastPosition">;
  recorder: Pick<Recorder, "record">;
  trimmed: Pick<TrimmedView, "list">;
  limits: Pick<
    HubLimits,
    "retainNotificationsMs" | "retainAuditMs" | "maxLogBytes" | "trimIntervalMs" | "trimBatchEvents"
  >;
  clock: Clock;
  logger: Logger;
}

/**
 * Lets old events go, by age and when the log is too large: first it is written down what goes (`sallyport.log.trimmed`), then it is
 * deleted in small steps. Killed in between, the next start goes on.
 */
export class Retention implements AsyncDisposable {
  readonly #options: RetentionOptions;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Runs now and from time to time, until it is closed. */
  start(): void {
    this.#running = this.#runLogged();
    void this.#running.then(() => this.#arm());
  }

  /**
   * Deletes what has to go by now. One run at a time: a second call waits for the first.
   * @throws HubError `log_busy` or `log_failed`; the next run goes on
   */
  async run(): Promise<void> {
    await this.#finishBegun();
    for (const kind of kinds) await this.#trimByAge(kind);
    for (const kind of kinds) await this.#trimBySize(kind);
  }

  /** Ends after the step that is under way; calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #arm(): void {
    if (this.#closed) return;
    const { clock, limits } = this.#options;
    this.#timer = clock.after(limits.trimIntervalMs, () => this.start());
  }

  async #runLogged(): Promise<void> {
    try {
      await this.run();
    } catch (err) {
      // The log or the disk is in trouble, which others tell too; the next run goes on.
      this.#options.logger.error({ err }, "log.not_trimmed");
    }
  }

  /** A hub that was killed may have said what goes, and not have deleted all of it. */
  async #finishBegun(): Promise<void> {
    for (const trimmed of this.#options.trimmed.list()) await this.#delete(trimmed);
  }

  async #trimByAge(kind: RetainedKind): Promise<void> {
    const { log, limits, clock } = this.#options;
    const until = new Date(clock.now() - limits[kind.limit]).toISOString();
    await this.#trim(kind, await log.positionAt(until), "age");
  }

  async #trimBySize(kind: RetainedKind): Promise<void> {
    const { log, limits } = this.#options;
    if ((await log.usedBytes()) <= limits.maxLogBytes) return;
    while ((await log.usedBytes()) > limits.maxLogBytes * sizeGoal && !this.#closed) {
      const last = await log.lastPosition();
      const oldest = (await log.select({ after: this.#beforeOf(kind) - 1, limit: 1, types: kind.types }))
        .events[0]?.position;
      if (oldest === undefined) return;
      const step = Math.max(this.#options.limits.trimBatchEvents, Math.ceil((last - oldest) * sizeStep));
      if (!(await this.#trim(kind, oldest + step, "size"))) return;
    }
  }

  /** Writes down what goes and deletes it. Returns whether there was something. */
  async #trim(kind: RetainedKind, upTo: number, reason: "age" | "size"): Promise<boolean> {
    const { log, recorder, logger } = this.#options;
    const newest = await log.newest(kind.types, upTo);
    if (newest === undefined || newest < this.#beforeOf(kind)) return false;
    const { events } = await log.select({ after: newest - 1, limit: 1, types: kind.types });
    const { types, keepPerSource } = kind;
    const data = {
      types: [...types],
      before: newest + 1,
      keepPerSource,
      until: events[0]?.time ?? "",
      reason,
    };
    const { position } = await recorder.record("sallyport.log.trimmed", "/hub", data);
    logger.info({ ...data, position }, "log.trimming");
    await this.#delete({ ...data, position });
    return true;
  }

  async #delete({ types, before, keepPerSource, position: at }: TrimmedKind): Promise<void> {
    const { log, limits } = this.#options;
    let cursor: TrimCursor | undefined;
    do {
      if (this.#closed) return;
      cursor = (await log.trim({ types, before, keepPerSource, at }, cursor, limits.trimBatchEvents)).next;
      // Whoever else waits for the log goes between two steps.
      await nextTurn();
    } while (cursor !== undefined);
  }

  #beforeOf({ types }: RetainedKind): number {
    const key = types.join("\n");
    return this.#options.trimmed.list().find((kind) => kind.types.join("\n") === key)?.before ?? 0;
  }
}
