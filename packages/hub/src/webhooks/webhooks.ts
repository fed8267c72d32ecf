import { randomUUID } from "node:crypto";
import type { z } from "zod";
import type {
  CreatedWebhook,
  Delivery,
  newWebhookSchema,
  TestedWebhook,
  Webhook,
  webhookPatchSchema,
} from "../api/webhooks-schemas.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { EventLog, StoredEvent } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { Views } from "../views/views.ts";
import type { Attempts } from "./attempt.ts";
import type { DeliveryRow, DeliveryState } from "./delivery-schema.ts";
import type { DeliveryStore } from "./delivery-store.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Intake } from "./intake.ts";
import type { Lane, Stopping } from "./lane.ts";
import type { Lanes } from "./lanes.ts";
import type { WebhookSecrets } from "./webhook-secrets.ts";
import type { WebhookRecord, WebhooksView } from "./webhooks-view.ts";

/** What the webhooks are made of. */
export interface WebhooksOptions {
  view: WebhooksView;
  views: Pick<Views, "requireCurrent">;
  recorder: Pick<Recorder, "record" | "append" | "eventOf">;
  log: Pick<EventLog, "select" | "lastPosition">;
  secrets: WebhookSecrets;
  store: DeliveryStore;
  lanes: Lanes;
  intake: Pick<Intake, "reached">;
  dispatcher: Pick<Dispatcher, "wake">;
  attempts: Pick<Attempts, "send">;
  /** Whether something may be sent to a URL. @throws HubError `bad_request` */
  checkUrl: (url: string) => Promise<void>;
  limits: Pick<HubLimits, "maxWebhooks" | "maxReplayEvents" | "maxPendingDeliveries">;
  /** Epoch ms. */
  now: () => number;
  /** Aborted when the hub stops. */
  closing: AbortSignal;
  /** One was disabled by the hub itself. */
  disabled: (id: string, reason: string) => void;
}

/** What a webhook is made of. */
export type NewWebhook = z.output<typeof newWebhookSchema>;
/** What of it is changed. */
export type WebhookPatch = z.output<typeof webhookPatchSchema>;

/** Test sends at a time; one more is refused. */
const maxTests = 10;
/** The backlog is counted up to here. */
const maxCounted = 10_000;
const pageEvents = 500;

/** Makes, changes and removes webhooks, shows what became of their deliveries, and has them made again. */
export class Webhooks {
  readonly #options: WebhooksOptions;
  #last: Promise<unknown> = Promise.resolve();
  #tests = 0;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  /** Those made after a position, in the order in which they were made. */
  list(after: number, limit: number): { webhook: Webhook; position: number }[] {
    const records = this.#options.view.list(after, limit);
    return records.map((record) => ({ webhook: this.#toWebhook(record), position: record.position }));
  }

  /** @throws HubError `no_such_webhook` */
  get(id: string): Webhook {
    return this.#toWebhook(this.#require(id));
  }

  /** @throws HubError `bad_request` for its URL, `limit_reached`, `views_behind`, `log_failed` or `log_busy` */
  async create(wanted: NewWebhook): Promise<CreatedWebhook> {
    const { checkUrl, views, view, recorder, secrets, limits } = this.#options;
    await checkUrl(wanted.url);
    return this.#inTurn(async () => {
      views.requireCurrent();
      if (view.count >= limits.maxWebhooks) {
        const message = `there are ${limits.maxWebhooks} webhooks already; remove one first`;
        throw new HubError("limit_reached", message);
      }
      const id = randomUUID();
      // Before the webhook: it never is without a secret.
      const secret = secrets.add(id, 0);
      try {
        await recorder.record("sallyport.webhook.created", subjectOf(id), { id, ...toSettings(wanted) });
      } catch (error) {
        secrets.remove(id);
        throw error;
      }
      return { ...this.get(id), secret };
    });
  }

  /** Events that come from then on go by what was changed. @throws HubError as `create`, and `no_such_webhook` */
  async change(id: string, patch: WebhookPatch): Promise<Webhook> {
    const { checkUrl, views, recorder } = this.#options;
    this.#require(id);
    if (patch.url !== undefined) await checkUrl(patch.url);
    return this.#inTurn(async () => {
      views.requireCurrent();
      const before = this.#require(id);
      const { enabled, ...given } = patch;
      const settings = toSettings({ ...before, ...withoutUndefined(given) });
      const events = [];
      if (Object.keys(given).length > 0) {
        events.push(recorder.eventOf("sallyport.webhook.changed", subjectOf(id), { id, ...settings }));
      }
      if (enabled === true && !before.enabled) {
        events.push(recorder.eventOf("sallyport.webhook.enabled", subjectOf(id), { id }));
      } else if (enabled === false && before.enabled) {
        const data = { id, reason: null };
        events.push(recorder.eventOf("sallyport.webhook.disabled", subjectOf(id), data));
      }
      await recorder.append(events);
      return this.get(id);
    });
  }

  /** Forgets a webhook with its secrets and deliveries. @throws HubError `no_such_webhook`, `views_behind`, `log_failed` or `log_busy` */
  remove(id: string): Promise<void> {
    const { views, recorder } = this.#options;
    return this.#inTurn(async () => {
      views.requireCurrent();
      this.#require(id);
      await recorder.record("sallyport.webhook.deleted", subjectOf(id), { id });
    });
  }

  /** Makes a new secret; the old ones sign beside it for a while. @throws HubError as `remove` */
  rotate(id: string, overlapMs: number): Promise<CreatedWebhook> {
    const { views, recorder, secrets, now } = this.#options;
    return this.#inTurn(async () => {
      views.requireCurrent();
      this.#require(id);
      const overlapEndsAt = new Date(now() + overlapMs).toISOString();
      // First written down, so that no secret changes without a trace.
      await recorder.record("sallyport.webhook.secret-rotated", subjectOf(id), { id, overlapEndsAt });
      const secret = secrets.add(id, overlapMs);
      return { ...this.get(id), secret };
    });
  }

  /** Deliveries, newest first, below a serial. @throws HubError `no_such_webhook` */
  deliveries(id: string, state: DeliveryState | undefined, before: number, limit: number): Delivery[] {
    this.#require(id);
    return this.#options.store.list(id, state, before, limit).map(toDelivery);
  }

  /** Makes a delivery again. @throws HubError `no_such_webhook`, `no_such_delivery` or `limit_reached` */
  redeliver(id: string, deliveryId: string): Delivery {
    const { store, now } = this.#options;
    this.#require(id);
    const serial = /^\d{1,15}$/.test(deliveryId) ? Number(deliveryId) : -1;
    const row = store.ask(id, serial, now());
    this.#wake(id);
    return toDelivery(row);
  }

  /**
   * Queues the events between two positions, both included, once more; those that wait already are left as they are.
   * @throws HubError `no_such_webhook`, `bad_request`, `limit_reached` when they are too many
   */
  async replay(id: string, from: number, to: number): Promise<number> {
    const { log, store, limits, lanes, now, closing } = this.#options;
    this.#require(id);
    if (from > to) throw new HubError("bad_request", "from: has to be at most `to`");
    const lane = lanes.get(id);
    if (lane === undefined) throw noSuchWebhook();
    const end = Math.min(to, await log.lastPosition());
    const { filter } = lane;
    const { types, sources } = filter;
    const found: StoredEvent[] = [];
    for (let after = from - 1; after < end && !closing.aborted;) {
      const page = await log.select({ after, before: end + 1, limit: pageEvents, types, sources });
      found.push(...page.events);
      after = page.scannedTo;
      if (found.length > limits.maxReplayEvents) {
        const fits = found[limits.maxReplayEvents - 1]?.position ?? from;
        const message = `more than ${limits.maxReplayEvents} events are in that range; replay ${from} to ${fits} first`;
        throw new HubError("limit_reached", message);
      }
    }
    if (lane.filter !== filter || !lanes.has(lane)) {
      throw new HubError("limit_reached", "the webhook was changed meanwhile; try again", { retryAfterS: 1 });
    }
    const queued = store.replay(id, found, now());
    this.#wake(id);
    return queued;
  }

  /** Sends an event that says that it is a test, whether or not the webhook is enabled. @throws HubError `no_such_webhook`, `limit_reached`, `unsealable`, `draining` */
  async test(id: string): Promise<TestedWebhook> {
    const { attempts, now, closing } = this.#options;
    const { url } = this.#require(id);
    if (this.#tests >= maxTests) {
      throw new HubError("limit_reached", `${maxTests} tests run already; try again later`, {
        retryAfterS: 5,
      });
    }
    this.#tests += 1;
    try {
      const event = {
        specversion: "1.0",
        id: `test-${randomUUID()}`,
        type: "sallyport.webhook.test",
        source: subjectOf(id),
        subject: subjectOf(id),
        time: new Date(now()).toISOString(),
        datacontenttype: "application/json",
        data: { id },
      } as const;
      const sent = await attempts.send({ webhookId: id, url, signal: closing }, event);
      const delivered = sent.status !== null && sent.status >= 200 && sent.status < 300;
      const { status: responseCode, body: responseBody, error, ms } = sent;
      return { delivered, responseCode, responseBody, error, ms };
    } catch (error) {
      if (!closing.aborted) throw error;
      throw new HubError("draining", "the hub is stopping; try again later", { cause: error });
    } finally {
      this.#tests -= 1;
    }
  }

  /** Disables a webhook for what its receiver did, unless it is disabled or has another URL by now. @throws HubError as `remove` */
  disable(lane: Lane, { reason, url }: Stopping): Promise<void> {
    const { views, view, recorder, disabled } = this.#options;
    const { id, epoch } = lane;
    return this.#inTurn(async () => {
      views.requireCurrent();
      const found = view.get(id);
      if (found?.enabled !== true || found.url !== url || lane.epoch !== epoch) return;
      await recorder.record("sallyport.webhook.disabled", subjectOf(id), { id, reason });
      disabled(id, reason);
    });
  }

  /** One change at a time, so that each decides on what the one before has left. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {
      // It is the caller's, who has the same promise.
    });
    return done;
  }

  #require(id: string): WebhookRecord {
    const found = this.#options.view.get(id);
    if (found === undefined) throw noSuchWebhook();
    return found;
  }

  #wake(id: string): void {
    const lane = this.#options.lanes.get(id);
    if (lane === undefined) return;
    lane.backoffUntilMs = 0;
    this.#options.dispatcher.wake(lane);
  }

  #toWebhook({ position, ...record }: WebhookRecord): Webhook {
    const { store, lanes, intake } = this.#options;
    const receiver = lanes.get(record.id)?.receiver;
    const lookedTo = Math.max(receiver?.behind ?? intake.reached, position);
    const first = store.firstPending(record.id);
    return {
      ...record,
      types: [...record.types],
      primaries: [...record.primaries],
      labels: { ...record.labels },
      cursor: Math.min(lookedTo, first === undefined ? Infinity : first - 1),
      backlog: Math.min(store.pending(record.id), maxCounted),
      lastSuccessAt: toIso(receiver?.last_success_ms),
      lastFailureAt: toIso(receiver?.last_failure_ms),
    };
  }
}

function toSettings({ url, description, types, primaries, labels }: NewWebhook | WebhookRecord) {
  return { url, description, types: [...types], primaries: [...primaries], labels: { ...labels } };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: String(row.serial),
    position: row.position,
    type: row.type,
    subject: row.subject,
    state: row.state,
    attempts: row.attempts,
    lastAttemptAt: toIso(row.last_attempt_ms),
    // One that is not the first of its subject waits for those before it.
    nextAttemptAt: row.state === "pending" && row.is_head === 1 ? toIso(row.next_attempt_ms) : null,
    responseCode: row.response_code,
    responseBody: row.response_body,
    error: row.error,
  };
}

function toIso(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}

function subjectOf(id: string): string {
  return `/webhooks/${id}`;
}

function noSuchWebhook(): HubError {
  return new HubError("no_such_webhook", "there is no webhook of this id");
}
