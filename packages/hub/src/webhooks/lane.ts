import type { FeedFilter } from "../feed/feed-filter.ts";
import { matches } from "../feed/feed-filter.ts";
import type { KnownType } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { ReceiverState } from "./delivery-store.ts";
import { backoffMs, failingForMs, wasAway } from "./retry-schedule.ts";
import type { WebhookRecord } from "./webhooks-view.ts";

const missedType = "sallyport.webhook.missed" satisfies KnownType;
/** An attempt that took longer makes its webhook a slow one, ms. */
const slowMs = 2_000;

/** A receiver of which nothing is known yet. */
export const newReceiver: ReceiverState = {
  behind: null,
  missed_to: 0,
  failures: 0,
  failing_ms: 0,
  last_success_ms: null,
  last_failure_ms: null,
  paused_until_ms: 0,
};

/** What stops a webhook in memory before the log says so. */
export interface Stopping {
  reason: "gone" | "failing";
  /** That of the attempt: if it has changed meanwhile, the new one is not to blame. */
  url: string;
}

/** What the hub has in memory of one webhook. */
export class Lane {
  webhook: WebhookRecord;
  filter: FeedFilter;
  receiver: ReceiverState;
  /** Attempts under way, by the delivery's serial. */
  readonly running = new Map<number, AbortController>();
  /** Before this nothing is sent, since the hub itself failed, epoch ms. */
  heldUntilMs = 0;
  /** Before this nothing is sent, since the receiver takes nothing, epoch ms. */
  backoffUntilMs = 0;
  /** Until it has shown that it is not. */
  isSlow = true;
  stopping: Stopping | undefined;
  /** Counts up when the receiver becomes another one: what older attempts show says nothing about it. */
  epoch = 0;
  /** When it has to be looked at again, epoch ms, unless it is woken before. */
  wakeAtMs = Infinity;

  constructor(webhook: WebhookRecord, filter: FeedFilter, receiver: ReceiverState) {
    this.webhook = webhook;
    this.filter = filter;
    this.receiver = receiver;
  }

  get id(): string {
    return this.webhook.id;
  }

  /** Whether it gets one attempt at a time, and none of the room that is kept for the others. */
  get isStrained(): boolean {
    return this.isSlow || this.receiver.failures > 0;
  }

  /** Until when nothing may be sent, epoch ms; Infinity while it is disabled. */
  get closedUntilMs(): number {
    if (!this.webhook.enabled) return Infinity;
    return Math.max(this.heldUntilMs, this.backoffUntilMs, this.receiver.paused_until_ms);
  }

  /** Whether an event is for this webhook. */
  wants(event: StoredEvent): boolean {
    if (event.position <= this.webhook.position) return false;
    // What it missed it is told on its own.
    if (event.type === missedType && (event.data as { id?: unknown }).id === this.id) return false;
    return matches(this.filter, event);
  }

  /** Notes that something was delivered. Returns whether the receiver is back after it was away. */
  succeeded(nowMs: number, ms: number): boolean {
    const isBack = wasAway(this.receiver.failures);
    this.isSlow = ms > slowMs;
    this.backoffUntilMs = 0;
    this.receiver = {
      ...this.receiver,
      failures: 0,
      failing_ms: 0,
      paused_until_ms: 0,
      last_success_ms: nowMs,
    };
    return isBack;
  }

  /** Notes that an attempt failed. */
  failed(nowMs: number, ms: number, pauseMs: number, random: number): void {
    const { failures, failing_ms: failingMs, last_failure_ms: last, paused_until_ms: paused } = this.receiver;
    this.isSlow = ms > slowMs;
    this.backoffUntilMs = nowMs + backoffMs(failures + 1, random);
    this.receiver = {
      ...this.receiver,
      failures: failures + 1,
      // Only between failures: before the first of them it worked, or nothing is known.
      failing_ms: failures === 0 ? 0 : failingMs + failingForMs(last, nowMs),
      last_failure_ms: nowMs,
      paused_until_ms: pauseMs > 0 ? Math.max(paused, nowMs + pauseMs) : paused,
    };
  }

  /** The receiver is another one, or somebody has put it in order. */
  beginAnew(): void {
    this.epoch += 1;
    this.stopping = undefined;
    this.isSlow = true;
    this.backoffUntilMs = 0;
    this.heldUntilMs = 0;
    this.receiver = { ...this.receiver, failures: 0, failing_ms: 0, paused_until_ms: 0 };
  }

  /** Ends what is under way. */
  abort(): void {
    for (const attempt of this.running.values()) attempt.abort(new Error("it was called off"));
  }
}
