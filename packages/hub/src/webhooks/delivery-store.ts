import { openDatabase, type Database } from "@sallyport/durable";
import { HubError } from "../errors.ts";
import type { StoredEvent } from "../log/log.ts";
import {
  deliveryMigrations,
  prepareDeliveries,
  type DeliveryRow,
  type DeliveryState,
  type ReceiverRow,
} from "./delivery-schema.ts";

/** What the store is made of. */
export interface DeliveryStoreOptions {
  path: string;
  limits: { maxPendingDeliveries: number; keptDeliveries: number };
}

/** An event that is to go to a webhook. */
export interface NewDelivery {
  webhookId: string;
  event: Pick<StoredEvent, "position" | "type" | "subject" | "source">;
}

/** What an attempt has shown. */
export interface AttemptResult {
  atMs: number;
  responseCode: number | null;
  responseBody: string | null;
  error: string | null;
}

/** What becomes of a delivery after an attempt. */
export type DeliveryEnd =
  | { state: "delivered" | "failed" }
  | { state: "pending"; nextAttemptMs: number; failures: number; refusals: number };

/** How a webhook's receiver does; kept with each attempt. */
export type ReceiverState = Omit<ReceiverRow, "webhook_id">;

/** Finished deliveries above their bound that may pile up before the oldest are forgotten together. */
const pruneEvery = 50;

/**
 * What is on its way to the webhooks' receivers, and what lately was. A power cut may take back the last moments, all of them together:
 * then events go out again, under the same `webhook-id`. What somebody asked for is on the disk before it is answered.
 */
export class DeliveryStore implements Disposable {
  readonly #database: Database;
  readonly #limits;
  readonly #sql: ReturnType<typeof prepareDeliveries>;
  readonly #pending: Map<string, number>;
  readonly #finished = new Map<string, number>();
  #turn: number;

  constructor({ path, limits }: DeliveryStoreOptions) {
    this.#limits = limits;
    this.#database = openDatabase({ path, migrations: deliveryMigrations });
    this.#database.connection.exec("PRAGMA synchronous=NORMAL");
    this.#sql = prepareDeliveries(this.#database);
    const counts = this.#sql.pending.all() as { id: string; count: number }[];
    this.#pending = new Map(counts.map(({ id, count }) => [id, count]));
    this.#turn = Number(this.#sql.lastTurn.get()?.["turn"]);
  }

  /** Up to where the log was looked through for all webhooks that are not behind; undefined when it never was. */
  get reached(): number | undefined {
    const row = this.#sql.reached.get() as { position: number } | undefined;
    return row?.position;
  }

  /** How the receivers do, by webhook. */
  receivers(): Map<string, ReceiverState> {
    const rows = this.#sql.receivers.all() as unknown as ReceiverRow[];
    return new Map(rows.map(({ webhook_id: id, ...state }) => [id, state]));
  }

  /** Every webhook of which something is kept. */
  webhookIds(): string[] {
    return (this.#sql.webhookIds.all() as { id: string }[]).map(({ id }) => id);
  }

  /** Deliveries of a webhook that wait. */
  pending(webhookId: string): number {
    return this.#pending.get(webhookId) ?? 0;
  }

  /** Deliveries of all webhooks that wait. */
  get allPending(): number {
    return [...this.#pending.values()].reduce((sum, count) => sum + count, 0);
  }

  /** How many more may wait. */
  room(webhookId: string): number {
    return Math.max(this.#limits.maxPendingDeliveries - this.pending(webhookId), 0);
  }

  /** Adds what was found in the log, and notes how far it was looked through, for all or for those that are behind. */
  take(
    found: readonly NewDelivery[],
    nowMs: number,
    looked: { reached?: number; receivers?: ReadonlyMap<string, ReceiverState> },
  ): void {
    this.#database.transaction(() => {
      for (const one of found) this.#insert(one, nowMs, false);
      if (looked.reached !== undefined) this.#sql.setReached.run(looked.reached);
      for (const [id, state] of looked.receivers ?? []) this.setReceiver(id, state);
    });
    for (const { webhookId } of found) this.#count(webhookId, 1);
  }

  /** Queues events once more, on disk when this returns. @throws HubError `limit_reached` when too many wait already */
  replay(webhookId: string, events: readonly NewDelivery["event"][], nowMs: number): number {
    const fresh = events.filter(
      ({ position }) => this.#sql.isPendingAt.get(webhookId, position) === undefined,
    );
    this.#requireRoom(webhookId, fresh.length);
    this.#durably(() => {
      for (const event of fresh) this.#insert({ webhookId, event }, nowMs, true);
    });
    this.#count(webhookId, fresh.length);
    return fresh.length;
  }

  /**
   * Has a delivery made again, at once, on disk when this returns; one that waits keeps its place.
   * @throws HubError `no_such_delivery`, or `limit_reached` when too many wait already
   */
  ask(webhookId: string, serial: number, nowMs: number): DeliveryRow {
    const row = this.get(webhookId, serial);
    if (row.state !== "pending") this.#requireRoom(webhookId, 1);
    this.#durably(() => {
      if (row.state === "pending") this.#sql.askPending.run(nowMs, serial);
      else this.#sql.askFinished.run((this.#turn += 1), nowMs, webhookId, row.stream, serial);
    });
    if (row.state !== "pending") this.#count(webhookId, 1);
    return this.get(webhookId, serial);
  }

  /** @throws HubError `no_such_delivery` */
  get(webhookId: string, serial: number): DeliveryRow {
    const row = this.#sql.get.get(serial) as unknown as DeliveryRow | undefined;
    if (row?.webhook_id === webhookId) return row;
    const message = "there is no delivery of this id; old ones are forgotten, then replay their positions";
    throw new HubError("no_such_delivery", message);
  }

  /** Deliveries that may be made now: the first of each stream, those that wait longest before the others. */
  due(webhookId: string, nowMs: number, limit: number): DeliveryRow[] {
    return this.#sql.due.all(webhookId, nowMs, limit) as unknown as DeliveryRow[];
  }

  /** When the next one after `nowMs` is due, epoch ms; Infinity when none is. */
  nextDueMs(webhookId: string, nowMs: number): number {
    const row = this.#sql.nextDue.get(webhookId, nowMs) as { ms: number | null };
    return row.ms ?? Infinity;
  }

  /** Keeps what an attempt has shown. A delivery that somebody asked for meanwhile stays due, whatever came of the attempt. */
  settle(row: DeliveryRow, result: AttemptResult, end: DeliveryEnd, receiver: ReceiverState): void {
    const { serial, webhook_id: id, stream, generation } = row;
    let hasLeft = false;
    this.#database.transaction(() => {
      const found = this.#sql.get.get(serial) as unknown as DeliveryRow | undefined;
      // Deleted with its webhook.
      if (found === undefined) return;
      this.setReceiver(id, receiver);
      const { atMs, responseCode, responseBody, error } = result;
      const attempts = found.attempts + 1;
      const first = found.first_attempt_ms ?? atMs;
      const shown = [responseCode, responseBody, error] as const;
      if (found.generation !== generation) {
        this.#sql.putOff.run(found.next_attempt_ms, attempts, 0, 0, null, atMs, ...shown, serial);
      } else if (end.state === "pending") {
        const { nextAttemptMs, failures, refusals } = end;
        this.#sql.putOff.run(nextAttemptMs, attempts, failures, refusals, first, atMs, ...shown, serial);
      } else {
        this.#sql.finish.run(end.state, attempts, first, atMs, ...shown, serial);
        this.#sql.promote.run(id, stream, atMs);
        // It may have been given up meanwhile, since the log has lost its event.
        hasLeft = found.state === "pending";
      }
    });
    if (hasLeft) this.#leave(id);
  }

  /** Gives up deliveries whose events the log no longer has. */
  lose(rows: readonly Pick<DeliveryRow, "serial">[], atMs: number, error: string): void {
    const lost: string[] = [];
    this.#database.transaction(() => {
      for (const { serial } of rows) {
        const row = this.#sql.get.get(serial) as unknown as DeliveryRow | undefined;
        if (row?.state !== "pending") continue;
        const { attempts, first_attempt_ms: first, response_code: code, response_body: body } = row;
        this.#sql.finish.run("failed", attempts, first, atMs, code, body, error, serial);
        this.#sql.promote.run(row.webhook_id, row.stream, atMs);
        lost.push(row.webhook_id);
      }
    });
    for (const id of lost) this.#leave(id);
  }

  /** Deliveries that wait, by position from `from` on. */
  pendingFrom(
    webhookId: string,
    from: number,
    limit: number,
  ): Pick<DeliveryRow, "serial" | "position" | "type">[] {
    const rows = this.#sql.pendingPositions.all(webhookId, from, limit);
    return rows as unknown as Pick<DeliveryRow, "serial" | "position" | "type">[];
  }

  /** The first position that still has to be delivered; undefined when there is none. Replays don't count. */
  firstPending(webhookId: string): number | undefined {
    return (this.#sql.firstPending.get(webhookId) as { position: number | null }).position ?? undefined;
  }

  /** All that waits is due, since the receiver is back. */
  dueNow(webhookId: string, nowMs: number): void {
    this.#sql.dueNow.run(nowMs, webhookId);
  }

  /** All that waits is due and counts as never tried, since the receiver is another one or somebody has enabled it. */
  beginAnew(webhookId: string, nowMs: number, receiver: ReceiverState): void {
    this.#database.transaction(() => {
      this.#sql.beginAnew.run(nowMs, webhookId);
      this.setReceiver(webhookId, receiver);
    });
  }

  /** Keeps how a receiver does. */
  setReceiver(webhookId: string, state: ReceiverState): void {
    this.#sql.setReceiver.run(
      webhookId,
      state.behind,
      state.missed_to,
      state.failures,
      state.failing_ms,
      state.last_success_ms,
      state.last_failure_ms,
      state.paused_until_ms,
    );
  }

  /** Forgets all of a webhook. */
  remove(webhookId: string): void {
    this.#database.transaction(() => {
      this.#sql.removeAll.run(webhookId);
      this.#sql.removeReceiver.run(webhookId);
    });
    this.#pending.delete(webhookId);
    this.#finished.delete(webhookId);
  }

  /** Newest first, below a serial. */
  list(webhookId: string, state: DeliveryState | undefined, before: number, limit: number): DeliveryRow[] {
    const states = state === undefined ? (["pending", "delivered", "failed"] as const) : [state];
    const rows = states.flatMap((one) => this.#sql.listByState.all(webhookId, one, before, limit));
    return (rows as unknown as DeliveryRow[]).sort((a, b) => b.serial - a.serial).slice(0, limit);
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #insert({ webhookId, event }: NewDelivery, nowMs: number, isReplay: boolean): void {
    const { position, type, subject, source } = event;
    const stream = `${source}\n${subject}`;
    const turn = (this.#turn += 1);
    this.#sql.insert.run(webhookId, position, type, subject, stream, turn, Number(isReplay), nowMs);
  }

  #durably(body: () => void): void {
    this.#database.connection.exec("PRAGMA synchronous=FULL");
    try {
      this.#database.transaction(body);
    } finally {
      this.#database.connection.exec("PRAGMA synchronous=NORMAL");
    }
  }

  #requireRoom(webhookId: string, count: number): void {
    if (count <= this.room(webhookId)) return;
    const message = `${this.pending(webhookId)} deliveries of this webhook wait already, ${count} more are too many; try again later, or with fewer`;
    throw new HubError("limit_reached", message, { retryAfterS: 60 });
  }

  #count(webhookId: string, change: number): void {
    this.#pending.set(webhookId, this.pending(webhookId) + change);
  }

  /** Delivered and failed ones each have their bound: many good ones do not push out what went wrong. */
  #leave(webhookId: string): void {
    this.#count(webhookId, -1);
    const finished = (this.#finished.get(webhookId) ?? 0) + 1;
    this.#finished.set(webhookId, finished % pruneEvery);
    if (finished < pruneEvery) return;
    for (const one of ["delivered", "failed"])
      this.#sql.prune.run(webhookId, one, this.#limits.keptDeliveries);
  }
}
