import type { Clock, ServiceConnection, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Outbox, OutboxItem } from "./outbox.ts";
import { SendWindow } from "./window.ts";

/** What a sender needs. */
export interface SenderOptions {
  outbox: Outbox;
  groupId: string;
  connection: Pick<ServiceConnection, "notify" | "isOpen" | "closed">;
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
  const timers = new Set<Timer>();
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
      const timer = clock.after(options.resendAfterMs, () => {
        timers.delete(timer);
        window.retry(item.position);
        pump();
      });
      timers.add(timer);
      return;
    }
    const { position, subject } = item;
    log.info({ groupId, position, subject }, "notification.acknowledged");
    if (window.acknowledge(position)) storeCursorSoon();
    pump();
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

  const unsubscribe = outbox.subscribe(pump);
  pump();
  await connection.closed;
  unsubscribe();
  for (const timer of timers) timer.cancel();
  storeCursor();
}
