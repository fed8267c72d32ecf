import { newOrderedId, type Clock, type Gap, type ServiceConnection, type Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { madeAtMs } from "./made-at.ts";
import type { Outbox, OutboxItem } from "./outbox.ts";
import type { SizeSuspects } from "./size-suspects.ts";
import { SendWindow } from "./window.ts";

/** What a sender needs. */
export interface SenderOptions {
  outbox: Outbox;
  groupId: string;
  connection: Pick<
    ServiceConnection,
    | "notify"
    | "announceGap"
    | "hello"
    | "resume"
    | "onLateAcknowledgement"
    | "isOpen"
    | "closed"
    | "refusedTooLarge"
  >;
  /** What endpoints have closed with 1009 for, over all connections. */
  suspects: SizeSuspects;
  clock: Clock;
  log: Logger;
  /** How long an acknowledgement is waited for, ms. */
  sendTimeoutMs: number;
  /** How soon after that a notification is sent again, ms. */
  resendAfterMs: number;
  maxUnacknowledged: number;
  /** How long the HELLO of an endpoint that selected `sallyport.v1` is waited for, ms; then notifications are not numbered. */
  helloTimeoutMs: number;
}

/** A gap in the place of what is missing. */
interface GapItem {
  position: number;
  id: string;
  subject: string;
  gap: Gap;
}

type Outgoing = OutboxItem | GapItem;

/**
 * Sends a group's notifications over one connection until it ends: in order within a job or image, again with the
 * same id when no acknowledgement comes, the cursor moved only by acknowledgements (NBWSS, NOTIFICATION). An endpoint that says how far it has
 * stored them gets them numbered, in order, from there on, and is told what is missing (Sallyport's extension, RESUME and GAP). What is too large is
 * left out, also what an endpoint has closed with 1009 for again and again.
 * @returns resolves when the connection has ended
 */
export async function sendNotifications(options: SenderOptions): Promise<void> {
  const { outbox, groupId, connection, clock, log } = options;
  const isNumbered = await takeUp(options);
  const cursor = outbox.cursor(groupId);
  const window = new SendWindow<Outgoing>(cursor, options.maxUnacknowledged, isNumbered);
  /** What was not acknowledged in time and waits to be sent again, by message id. */
  const resends = new Map<string, { item: Outgoing; timer: Timer }>();
  let cursorIsDue = false;

  function pump(): void {
    if (!connection.isOpen) return;
    if (window.room > 0) fill();
    for (const item of window.takeSendable()) void send(item);
  }

  function fill(): void {
    if (isNumbered) {
      const gaps = outbox.missingAfter(groupId, window.readUpTo);
      window.add(gaps.map((gap) => ({ position: gap.to, id: newOrderedId(), subject: "gap", gap })));
      for (const gap of gaps) log.warn({ groupId, ...gap }, "notification.gap_announced");
    }
    const items = outbox.read(window.readUpTo, window.room);
    const tooLarge = outbox.tooLarge.between(groupId, window.readUpTo, items.at(-1)?.position ?? 0);
    window.add(items.map((item) => (tooLarge.has(item.position) ? leftOut(item) : item)));
  }

  /** In place of what is too large: its position and id, so that the endpoint knows them. */
  function leftOut({ position, id, subject }: OutboxItem): GapItem {
    log.error({ groupId, position, subject }, "notification.too_large");
    const madeMs = madeAtMs(id);
    const gap = { from: position, to: position, count: 1, sinceMs: madeMs, untilMs: madeMs };
    return { position, id, subject, gap: { ...gap, reason: "too_large" } };
  }

  function deliver(item: Outgoing): Promise<void> {
    const wait = { timeoutMs: options.sendTimeoutMs };
    // NBWSS 1.0 has no word for it.
    if ("gap" in item && !isNumbered) return Promise.resolve();
    if ("gap" in item) return connection.announceGap(item.id, item.gap, wait);
    return connection.notify(item.id, [item.entry], wait, isNumbered ? item.position : undefined);
  }

  /** Never rejects: what failed is sent again, over this connection or the next. */
  async function send(item: Outgoing): Promise<void> {
    try {
      await deliver(item);
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

  function acknowledged({ position, subject }: Outgoing): void {
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

  /** The endpoint may have closed because of the largest of what it was sent: what it can't take must not hold up all the rest for ever. */
  function lookForTooLarge(): void {
    if (!connection.refusedTooLarge) return;
    const sizeOf = ({ entry }: OutboxItem) => JSON.stringify(entry).length;
    const sent = window.unacknowledged.flatMap((item) => ("gap" in item ? [] : [item]));
    const [largest] = sent.toSorted((a, b) => sizeOf(b) - sizeOf(a));
    if (largest === undefined) return;
    const isProven = options.suspects.tooBig(groupId, largest.id);
    const { position, subject } = largest;
    log.warn(
      { groupId, position, subject, characters: sizeOf(largest), isProven },
      "notification.suspected_too_large",
    );
    try {
      if (isProven) outbox.tooLarge.note(groupId, position);
    } catch (error) {
      // The disk may be full, or the database closed on shutdown: it goes out again, and is looked for anew.
      log.error({ groupId, position, err: error }, "outbox.too_large_not_stored");
    }
  }

  connection.onLateAcknowledgement(acknowledgedLate);
  const unsubscribe = outbox.subscribe(pump);
  pump();
  await connection.closed;
  unsubscribe();
  for (const { timer } of resends.values()) timer.cancel();
  storeCursor();
  lookForTooLarge();
}

/**
 * Agrees with the endpoint where to go on.
 * @returns whether notifications are numbered on this connection
 */
async function takeUp(options: SenderOptions): Promise<boolean> {
  const { outbox, groupId, connection, log, helloTimeoutMs, maxUnacknowledged } = options;
  const hello = await connection.hello(helloTimeoutMs);
  if (hello?.resume === undefined || !connection.isOpen) return false;
  try {
    const before = outbox.cursor(groupId);
    const unacknowledged = outbox.read(before, maxUnacknowledged);
    const resume = outbox.resume(groupId, hello.resume);
    connection.resume(resume);
    for (const { position, subject } of unacknowledged) {
      if (position <= resume.position) log.info({ groupId, position, subject }, "notification.acknowledged");
    }
    const fields = { groupId, ...resume, before, claimed: hello.resume?.position };
    if (resume.outcome === "refused") log.error(fields, "resume.refused");
    else if (resume.position < before) log.warn(fields, "resume.went_back");
    else log.info(fields, "resume.agreed");
    return true;
  } catch (error) {
    // The disk may be full: without a number they go out all the same, each known by its id.
    log.error({ groupId, err: error }, "resume.failed");
    return false;
  }
}
