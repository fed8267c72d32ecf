import { createHash } from "node:crypto";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { HubLimits } from "../config/limits.ts";
import type { KnownType } from "../log/known-events.ts";
import type { EventLog, LogEvent, StoredEvent } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Views } from "../views/views.ts";
import { gatherFacts, type AlertFactsOptions } from "./alert-facts.ts";
import { keyOf, type AlertsView } from "./alerts-view.ts";
import { evaluate, type OpenAlert, type Raise, type Resolve, type Transitions } from "./evaluate.ts";

/** What the watch needs. */
export interface AlertWatchOptions extends Omit<AlertFactsOptions, "maxBackups" | "foundConnected"> {
  alerts: Pick<AlertsView, "rules" | "open" | "mutes">;
  views: Pick<Views, "isCurrent" | "position">;
  fleet: Pick<Fleet, "isCurrent" | "shown">;
  log: Pick<EventLog, "subscribe">;
  recorder: Pick<Recorder, "append" | "eventOf">;
  limits: Pick<HubLimits, "maxOpenAlerts" | "alertIntervalMs" | "alertSettleMs" | "alertGraceMs">;
  clock: Clock;
  logger: Logger;
}

/** What may raise or resolve an alert before the next look is due. */
const relevant: ReadonlySet<string> = new Set<KnownType | "netbackup.job.done">([
  "netbackup.job.done",
  "sallyport.connection.connected",
  "sallyport.notifications.gap",
  "sallyport.primary.deleted",
  "sallyport.alert-rule.created",
  "sallyport.alert-rule.changed",
  "sallyport.alert-rule.deleted",
]);

/** A step of the clock, or a machine that slept: so much later than the look was due, or earlier than the look before. */
const maxLateIntervals = 4;

/**
 * Looks from time to time at what should have happened, and writes down what it finds missing (`sallyport.alert.raised`) and what is mended
 * (`sallyport.alert.resolved`). What is open is read from the log's view, so a hub that was killed neither forgets nor repeats anything.
 */
export class AlertWatch implements AsyncDisposable {
  readonly #options: AlertWatchOptions;
  /** What was written down and is not shown yet, for the time that the views are behind. */
  readonly #written = new Map<string, { alert: OpenAlert | undefined; position: number }>();
  readonly #foundConnected = new Map<string, number>();
  #timer: Timer | undefined;
  #settle: Timer | undefined;
  #unsubscribe: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #watchingSinceMs: number;
  #lastLookMs: number;
  #viewsBehindSinceMs: number | null = null;
  #closed = false;

  constructor(options: AlertWatchOptions) {
    this.#options = options;
    this.#watchingSinceMs = options.clock.now();
    this.#lastLookMs = this.#watchingSinceMs;
  }

  /** Begins to look; what happened before does not count against anybody. */
  start(): void {
    const { clock, log } = this.#options;
    this.#watchingSinceMs = clock.now();
    this.#lastLookMs = this.#watchingSinceMs;
    this.#unsubscribe = log.subscribe((events) => this.#onCommit(events));
    this.#arm();
  }

  /** Looks now; while a look is under way, waits for that one and looks again. Never rejects. */
  async look(): Promise<void> {
    this.#noteTime();
    while (this.#running !== undefined) await this.#running;
    if (this.#closed) return;
    this.#running = this.#lookOnce();
    await this.#running;
    this.#running = undefined;
  }

  /** Ends after the look that is under way; calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#settle?.cancel();
    this.#unsubscribe?.();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #arm(): void {
    const { clock, limits } = this.#options;
    this.#timer = clock.after(limits.alertIntervalMs, () => {
      this.#arm();
      this.#noteTime();
      // One at a time: a slow disk must not pile them up.
      if (this.#running === undefined) void this.look();
    });
  }

  #onCommit(events: readonly StoredEvent[]): void {
    if (this.#settle !== undefined || !events.some(({ type }) => relevant.has(type))) return;
    const { clock, limits } = this.#options;
    this.#settle = clock.after(limits.alertSettleMs, () => {
      this.#settle = undefined;
      if (this.#running === undefined) void this.look();
    });
  }

  /** After a step of the clock nobody can say for how long something has been missing: watching begins anew. */
  #noteTime(): void {
    const { clock, limits, logger } = this.#options;
    const nowMs = clock.now();
    const sinceMs = nowMs - this.#lastLookMs;
    if (sinceMs < 0 || sinceMs > maxLateIntervals * limits.alertIntervalMs) {
      logger.warn({ ms: sinceMs }, "alerts.clock_stepped");
      this.#watchingSinceMs = nowMs;
      if (this.#viewsBehindSinceMs !== null) this.#viewsBehindSinceMs = nowMs;
    }
    this.#lastLookMs = nowMs;
    if (this.#isShown) this.#viewsBehindSinceMs = null;
    else this.#viewsBehindSinceMs ??= nowMs;
  }

  async #lookOnce(): Promise<void> {
    const { logger, recorder } = this.#options;
    try {
      await this.#options.fleet.shown();
      const nowMs = this.#options.clock.now();
      const { raise, resolve, notRaised } = this.#evaluate(nowMs);
      if (notRaised > 0) logger.warn({ notRaised }, "alerts.too_many_open");
      const changes = [
        ...resolve.map((one) => resolved(recorder, one)),
        ...raise.map((one) => raised(recorder, one, nowMs)),
      ];
      if (changes.length === 0) return;
      const appended = await recorder.append(changes.map(({ event }) => event));
      for (const [index, { key, alert, event }] of changes.entries()) {
        this.#written.set(key, { alert, position: appended[index]?.position ?? 0 });
        logger.info({ event: event.id, subject: event.subject }, event.type);
      }
    } catch (err) {
      // The log is in trouble, which others tell too; the next look finds the same again.
      logger.error({ err }, "alerts.not_recorded");
    }
  }

  get #isShown(): boolean {
    const { views, fleet } = this.#options;
    return views.isCurrent && fleet.isCurrent;
  }

  #evaluate(nowMs: number): Transitions {
    const { alerts, limits } = this.#options;
    const { maxOpenAlerts: maxOpen, alertGraceMs: graceMs } = limits;
    const isShown = this.#isShown;
    const isOfHub = (kind: string) => kind === "inbox_behind";
    // Nothing is decided on old data, but for the very alert that says that it is old.
    const rules = alerts.rules().filter(({ condition }) => isShown || isOfHub(condition.kind));
    const open = this.#open().filter(({ kind }) => isShown || isOfHub(kind));
    const facts = gatherFacts(
      { ...this.#options, maxBackups: maxOpen, foundConnected: this.#foundConnected },
      rules,
      open,
      {
        nowMs,
        watchingSinceMs: this.#watchingSinceMs,
        viewsBehindSinceMs: this.#viewsBehindSinceMs,
      },
    );
    return evaluate({ rules, open, mutes: alerts.mutes(), facts, nowMs, graceMs, maxOpen });
  }

  #open(): OpenAlert[] {
    const { alerts, views } = this.#options;
    const open = new Map<string, OpenAlert>(alerts.open().map((alert) => [keyOf(alert), alert]));
    for (const [key, { alert, position }] of this.#written) {
      if (position <= views.position) this.#written.delete(key);
      else if (alert === undefined) open.delete(key);
      else open.set(key, alert);
    }
    return [...open.values()];
  }
}

interface Change {
  key: string;
  alert: OpenAlert | undefined;
  event: LogEvent;
}

type EventMaker = Pick<Recorder, "eventOf">;

/** An alert's id tells rule, target and moment, so that writing the same one twice stores it once. */
function raised(recorder: EventMaker, one: Raise, nowMs: number): Change {
  const { rule, target, primaryId, message, advice } = one;
  const seed = JSON.stringify([rule.id, target, nowMs]);
  const id = createHash("sha256").update(seed).digest("hex").slice(0, 32);
  const { kind } = rule.condition;
  const data = { id, ruleId: rule.id, ruleName: rule.name, kind, target, primaryId, message, advice };
  const event = recorder.eventOf("sallyport.alert.raised", subjectOf(primaryId), data);
  const key = keyOf({ ruleId: rule.id, target });
  return { key, alert: data, event: { ...event, id: `alert.${id}.raised` } };
}

function resolved(recorder: EventMaker, { alert, reason }: Resolve): Change {
  const { id, ruleId, kind, primaryId, message } = alert;
  const data = { id, ruleId, kind, primaryId, message, reason };
  const event = recorder.eventOf("sallyport.alert.resolved", subjectOf(primaryId), data);
  return { key: keyOf(alert), alert: undefined, event: { ...event, id: `alert.${id}.resolved` } };
}

function subjectOf(primaryId: string | null): string {
  return primaryId === null ? "/hub" : `/primaries/${primaryId}`;
}
