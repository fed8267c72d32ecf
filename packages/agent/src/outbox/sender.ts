import type { Clock, ServiceConnection, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Outbox, OutboxItem } from "./outbox.ts";
import { SendWindow } from "./window.ts";

/** What a sender needs. */
export interface SenderOptions {
  outbox: Outbox;
  groupId: string;
  connection: Pick<ServiceConnection, "notify" | "onLateAcknowledgement" | "isOpen" | "closed">;
  clock: Clock;
  log: Logger;
  /** How long an acknowledgement is waited for, ms. */
  sendTimeoutMs: number;
  /** How soon after that a notification is sent again, ms. */
  resendAfterMs: number;
  maxUnacknowledged: number;
}

/**
 * Sends a group's notifications over one connection until it ends: in order within a job or image, again with the
 * same id when no acknowledgement comes, the cursor moved only by acknowledgements (NBWSS, NOTIFICATION).
 * @returns resolves when the connection has ended
 */
export async function sendNotifications(options: SenderOptions): Promise<void> {
  const { outbox, groupId, connection, clock, log } = options;
  const window = new SendWindow(outbox.cursor(groupId), options.maxUnacknowledged);
  /** What was not acknowledged in time and waits to be sent again, by message id. */
  const resends = new Map<string, { item: OutboxItem; timer: Timer }>();
  let cursorIsDue = false;

  function pump(): void {
    if (!connection.isOpen) return;
    if (window.room > 0) window.add(outbox.read(window.readUpTo, window.room));
    for (const item of window.takeSendable()) void send(item);
  }

  /** Never rejects: what failed is sent again, over this connection or the next. */
  async function send(item: OutboxItem): Promise<void> {
    try {
      await connection.notify(item.id, [item.entry], { timeoutMs: options.sendTimeoutMs });
    } catch (error) {
      if (!connection.isOpen) return;
      const { message } = error as Error;
      log.warn({ groupId, position: item.position, reason: message }, "notification.unacknowledged");
      const key = item.id.toUpperCase();
      const timer = clock.after(options.resendAfterMs, () => {
        resends.delete(key);
        window.retry(item.position);
        pump();
      });
      resends.set(key, { item, timer });
      return;
    }
    acknowledged(item);
  }

  function acknowledged({ position, subject }: OutboxItem): void {
    log.info({ groupId, position, subject }, "notification.acknowledged");
    if (window.acknowledge(position)) storeCursorSoon();
    pump();
  }

  /** Without this, an endpoint that always takes longer than the time-out would be sent the same for ever. */
  function acknowledgedLate(id: string): void {
    const resend = resends.get(id.toUpperCase());
    if (resend === undefined) return;
    resend.timer.cancel();
    resends.delete(id.toUpperCase());
    acknowledged(resend.item);
  }

  /**
   * One commit for all acknowledgements of a turn. A cursor that is lost in a crash only makes notifications go
   * out again under the same id, which the endpoint knows already.
   */
  function storeCursorSoon(): void {
    if (cursorIsDue) return;
    cursorIsDue = true;
    setImmediate(storeCursor);
  }

  function storeCursor(): void {
    if (!cursorIsDue) return;
    cursorIsDue = false;
    try {
      outbox.acknowledge(groupId, window.cursor);
    } catch (error) {
      // The disk may be full, or the database closed on shutdown: the notifications stay, and go out again.
      log.error({ groupId, err: error }, "outbox.cursor_not_stored");
    }
  }

  connection.onLateAcknowledgement(acknowledgedLate);
  const unsubscribe = outbox.subscribe(pump);
  pump();
  await connection.closed;
  unsubscribe();
  for (const { timer } of resends.values()) timer.cancel();
  storeCursor();
}
