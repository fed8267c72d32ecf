import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { HubLimits } from "../config/limits.ts";
import type { Attempts } from "./attempt.ts";
import type { CatchUp } from "./catch-up.ts";
import type { DeliveryRow } from "./delivery-schema.ts";
import type { DeliveryEnd, DeliveryStore } from "./delivery-store.ts";
import type { Lane, Stopping } from "./lane.ts";
import type { Lanes } from "./lanes.ts";
import type { MissedEvents } from "./missed.ts";
import { nextAttemptMs, verdictOf } from "./retry-schedule.ts";
import type { Sent } from "./sender.ts";
import { Turns } from "./turns.ts";
import type { WebhookMetrics } from "./webhook-metrics.ts";

/** What the dispatcher is made of. */
export interface DispatcherOptions {
  lanes: Lanes;
  store: DeliveryStore;
  attempts: Attempts;
  catchUp: () => CatchUp;
  missed: Pick<MissedEvents, "lose">;
  /** Writes down that a webhook is disabled, unless it has another URL by now. */
  disable: (lane: Lane, stopping: Stopping) => Promise<void>;
  metrics: () => WebhookMetrics;
  limits: Pick<
    HubLimits,
    "maxAttemptsPerWebhook" | "maxWebhookAttempts" | "webhookRetryMs" | "webhookFailingMs"
  >;
  clock: Clock;
  logger: Logger;
  /** Between 0 and 1. */
  random: () => number;
}

/** How far ahead a timer is set at most, ms: the clock may be set. */
const maxSleepMs = 60_000;

/** Sends what is due: the webhooks in turns, each stream of a webhook in order, so many attempts at a time. */
export class Dispatcher implements AsyncDisposable {
  readonly #options: DispatcherOptions;
  readonly #turns = new Turns();
  readonly #underway = new Set<Promise<void>>();
  readonly #stopping = new Set<Lane>();
  #strained = 0;
  #running = 0;
  #timer: Timer | undefined;
  #timerAtMs = Infinity;
  #isPumping = false;
  #isOpen = true;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Attempts that are under way. */
  get running(): number {
    return this.#running;
  }

  /** There may be something to send. */
  wake(lane: Lane): void {
    if (!this.#isOpen) return;
    this.#turns.add(lane);
    this.#pump();
  }

  /** Begins no more attempts. */
  stop(): void {
    this.#isOpen = false;
    this.#timer?.cancel();
  }

  /** Calls off the attempts that are under way: they are made again by the next start. Calling it again does nothing. */
  async close(): Promise<void> {
    this.stop();
    for (const lane of this.#options.lanes.all()) lane.abort();
    await Promise.all(this.#underway);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const { maxWebhookAttempts: max } = this.#options.limits;
    while (this.#isOpen && this.#running < max) {
      const lane = this.#turns.next(this.#strained < Math.max(Math.floor(max / 2), 1));
      if (lane === undefined) break;
      try {
        this.#give(lane);
      } catch (err) {
        this.#hold(lane, err);
      }
    }
    this.#isPumping = false;
  }

  /** One webhook's turn: one attempt, or when to look again. */
  #give(lane: Lane): void {
    const { lanes, store, clock, limits } = this.#options;
    if (!lanes.has(lane) || this.#stopping.has(lane)) return;
    const nowMs = clock.now();
    const { closedUntilMs } = lane;
    if (closedUntilMs > nowMs) {
      this.#sleep(lane, closedUntilMs);
      return;
    }
    if (lane.stopping !== undefined) {
      this.#track(this.#disable(lane, lane.stopping));
      return;
    }
    // It is woken when an attempt ends.
    if (lane.running.size >= (lane.isStrained ? 1 : limits.maxAttemptsPerWebhook)) return;
    const due = store.due(lane.id, nowMs, lane.running.size + 1);
    const row = due.find(({ serial }) => !lane.running.has(serial));
    if (row === undefined) {
      this.#sleep(lane, store.nextDueMs(lane.id, nowMs));
      return;
    }
    this.#track(this.#attempt(lane, row));
    this.#turns.add(lane);
  }

  #track(work: Promise<void>): void {
    this.#underway.add(work);
    void work.finally(() => this.#underway.delete(work));
  }

  /** Never rejects. */
  async #attempt(lane: Lane, row: DeliveryRow): Promise<void> {
    const { attempts, missed, metrics, catchUp } = this.#options;
    const { epoch, isStrained, webhook } = lane;
    const controller = new AbortController();
    const { signal } = controller;
    lane.running.set(row.serial, controller);
    this.#running += 1;
    if (isStrained) this.#strained += 1;
    try {
      const sent = await attempts.deliver({ webhookId: lane.id, url: webhook.url, signal }, row);
      if (sent === undefined) await missed.lose(lane, row);
      else if (!signal.aborted) this.#settle(lane, row, sent, { epoch, url: webhook.url });
    } catch (err) {
      if (!signal.aborted) {
        metrics().attempt("not_sent");
        this.#note(lane, row, err);
        this.#hold(lane, err);
      }
    }
    lane.running.delete(row.serial);
    this.#running -= 1;
    if (isStrained) this.#strained -= 1;
    catchUp().consider(lane);
    this.wake(lane);
  }

  #settle(lane: Lane, row: DeliveryRow, sent: Sent, began: { epoch: number; url: string }): void {
    const { lanes, store, clock, metrics } = this.#options;
    // Its rows are gone too.
    if (!lanes.has(lane)) return;
    const atMs = clock.now();
    const verdict = sent.status === null ? "failed" : verdictOf(sent.status);
    metrics().attempt(sent.status === null ? "unreachable" : verdict, sent.ms);
    const result = { atMs, responseCode: sent.status, responseBody: sent.body, error: sent.error };
    if (verdict === "delivered") {
      const isBack = lane.epoch === began.epoch && lane.succeeded(atMs, sent.ms);
      store.settle(row, result, { state: "delivered" }, lane.receiver);
      if (isBack) store.dueNow(lane.id, atMs);
      return;
    }
    // The receiver is another one by now, and may take it at once.
    const again = {
      state: "pending",
      nextAttemptMs: atMs,
      failures: row.failures,
      refusals: row.refusals,
    } as const;
    if (lane.epoch !== began.epoch) {
      store.settle(row, result, again, lane.receiver);
      return;
    }
    if (verdict === "gone") {
      lane.stopping = { reason: "gone", url: began.url };
      store.settle(row, result, again, lane.receiver);
      return;
    }
    this.#fail(lane, row, sent, verdict === "refused");
    if (lane.receiver.failing_ms >= this.#options.limits.webhookFailingMs) {
      lane.stopping = { reason: "failing", url: began.url };
    }
  }

  #fail(lane: Lane, row: DeliveryRow, sent: Sent, isRefused: boolean): void {
    const { store, clock, random, logger, metrics } = this.#options;
    const nowMs = clock.now();
    const { retryAfterMs } = sent;
    // Whoever says when to come back is busy, and has not failed at this event.
    const isPause = retryAfterMs !== undefined && (sent.status === 429 || sent.status === 503);
    const failures = row.failures + (isPause ? 0 : 1);
    const refusals = row.refusals + (isRefused ? 1 : 0);
    lane.failed(nowMs, sent.ms, isPause ? retryAfterMs : 0, random());
    const firstAttemptMs = row.first_attempt_ms ?? nowMs;
    const attempts = row.attempts + 1;
    const takesOthers = (lane.receiver.last_success_ms ?? -1) >= firstAttemptMs;
    const counts = { attempts, failures, refusals, takesOthers, firstAttemptMs };
    const at = nextAttemptMs({ ...counts, nowMs, retryAfterMs, random: random() });
    const end: DeliveryEnd =
      at === undefined ? { state: "failed" } : { state: "pending", nextAttemptMs: at, failures, refusals };
    const { status: responseCode, body: responseBody, error } = sent;
    store.settle(row, { atMs: nowMs, responseCode, responseBody, error }, end, lane.receiver);
    const facts = { webhook: lane.id, delivery: row.serial, status: responseCode, error };
    if (at !== undefined) {
      logger.debug({ ...facts, nextAttemptAt: new Date(at).toISOString() }, "webhook.failed");
      return;
    }
    metrics().givenUp();
    logger.warn({ ...facts, position: row.position }, "webhook.given_up");
  }

  /** Never rejects: what could not be written down is tried again, and nothing is sent before. */
  async #disable(lane: Lane, stopping: Stopping): Promise<void> {
    this.#stopping.add(lane);
    try {
      await this.#options.disable(lane, stopping);
      // Where it was not disabled after all, it has another URL, or somebody put it in order.
      if (lane.stopping === stopping) lane.stopping = undefined;
    } catch (err) {
      this.#hold(lane, err);
    }
    this.#stopping.delete(lane);
    this.wake(lane);
  }

  /** The hub itself failed: this webhook waits a moment. */
  #hold(lane: Lane, err: unknown): void {
    const { clock, limits, logger } = this.#options;
    logger.error({ err, webhook: lane.id }, "webhook.not_sent");
    lane.heldUntilMs = clock.now() + limits.webhookRetryMs;
    this.#sleep(lane, lane.heldUntilMs);
  }

  /** Shows why nothing was sent. */
  #note(lane: Lane, row: DeliveryRow, cause: unknown): void {
    const { store, clock, limits, logger } = this.#options;
    const atMs = clock.now();
    const { failures, refusals } = row;
    const end = {
      state: "pending",
      nextAttemptMs: atMs + limits.webhookRetryMs,
      failures,
      refusals,
    } as const;
    const error = `not sent: ${(cause as Error).message}`.slice(0, 500);
    try {
      store.settle(row, { atMs, responseCode: null, responseBody: null, error }, end, lane.receiver);
    } catch (err) {
      logger.error({ err, webhook: lane.id }, "webhook.not_noted");
    }
  }

  #sleep(lane: Lane, untilMs: number): void {
    lane.wakeAtMs = untilMs;
    if (untilMs < this.#timerAtMs) this.#arm(untilMs);
  }

  #arm(untilMs: number): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#timerAtMs = untilMs;
    if (untilMs === Infinity || !this.#isOpen) return;
    const ms = Math.min(Math.max(untilMs - clock.now(), 0), maxSleepMs);
    this.#timer = clock.after(ms, () => this.#onTimer());
  }

  #onTimer(): void {
    const nowMs = this.#options.clock.now();
    let next = Infinity;
    for (const lane of this.#options.lanes.all()) {
      if (lane.wakeAtMs <= nowMs) {
        lane.wakeAtMs = Infinity;
        this.#turns.add(lane);
      } else next = Math.min(next, lane.wakeAtMs);
    }
    this.#arm(next);
    this.#pump();
  }
}
