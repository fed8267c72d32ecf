import type { GapMessage, NotificationRequest, Resume, Standing } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { PrimaryConnection } from "../connections/registry.ts";
import type { KnownData } from "../log/known-events.ts";
import type { EventLog, LogEvent } from "../log/log.ts";
import type { StandingChange } from "../log/standings.ts";
import type { Inbox, Received } from "./inbox.ts";
import { Sequence } from "./sequence.ts";

/** What the numbered inbox needs. */
export interface NumberedInboxOptions {
  inbox: Pick<Inbox, "receive">;
  log: Pick<EventLog, "append" | "standing">;
  logger: Logger;
  /** Epoch ms. */
  now: () => number;
}

/** Which primary, and which of its server groups. */
type Place = Pick<PrimaryConnection["identity"], "primaryId" | "groupId">;
type From = Pick<PrimaryConnection, "identity" | "close">;
type GapData = KnownData<"sallyport.notifications.gap">;

/**
 * Takes in what primaries number, in order: how far a primary has been stored is kept in the transaction that stores it, so that it can be told
 * where to go on. What is missing is stored in its place (Sallyport's extension, RESUME and GAP).
 */
export class NumberedInbox {
  readonly #options: NumberedInboxOptions;
  readonly #sequences = new WeakMap<object, Sequence>();

  constructor(options: NumberedInboxOptions) {
    this.#options = options;
  }

  /** What a primary is told of how far it is stored. */
  standing({ primaryId, groupId }: Place): Standing | undefined {
    const standing = this.#options.log.standing(sourceOf(primaryId), groupId);
    return standing && { journal: standing.journal, position: standing.position, id: standing.id };
  }

  /**
   * A primary has said where it goes on. When it goes on in another journal, what there was before it is not known, which is stored. A connection for which
   * that can't be stored is closed.
   */
  resumed(connection: From, { journal: said, position, outcome }: Resume): void {
    const { log, logger } = this.#options;
    const { primaryId, groupId } = connection.identity;
    const [journal, source] = [said.toUpperCase(), sourceOf(primaryId)];
    const before = log.standing(source, groupId);
    if (outcome === "refused") {
      const fields = { primary: primaryId, groupId, position: before?.position };
      logger.error(fields, "notification.resume_refused");
    }
    if (before?.journal === journal) {
      this.#sequences.set(connection, new Sequence(journal, before.position));
      return;
    }
    this.#sequences.set(connection, new Sequence(journal, position));
    const unknown = { from: null, to: null, count: null, since: null, until: null };
    const data = { id: primaryId, groupId, journal, ...unknown, reason: "journal_replaced" };
    const events = before === undefined ? [] : [this.#gapEvent(journal, data)];
    const standing = { source, groupId, journal, position, id: null };
    log.append(events, { kind: "set", standing }).catch((error: unknown) => {
      logger.error({ primary: primaryId, err: error }, "notification.standing_not_stored");
      connection.close(1011, "where notifications go on could not be stored; come again");
    });
  }

  /**
   * Stores a notification; when it is numbered with how far that is, and with the hole before it, if there is one.
   * @throws HubError as `Inbox.receive`; `out_of_sequence` when something before it is not stored
   */
  async receive(connection: From, notification: NotificationRequest): Promise<Received> {
    const { inbox } = this.#options;
    const { primaryId, groupId } = connection.identity;
    const sequence = this.#sequences.get(connection);
    const { position, id } = notification;
    if (sequence === undefined || position === undefined) {
      return inbox.receive(primaryId, notification, { change: this.#forgetting(connection.identity) });
    }
    const from = sequence.take(position, position);
    const { journal } = sequence;
    const standing = { source: sourceOf(primaryId), groupId, journal, position, id: id.toUpperCase() };
    const before = this.#holeEvents(connection.identity, journal, from, position);
    const change = { kind: "advance", from, standing } as const;
    const received = await inbox.receive(primaryId, notification, { before, change });
    sequence.stored(position);
    return received;
  }

  /**
   * Stores that notifications are missing.
   * @throws HubError `log_busy`, `log_failed` or `out_of_sequence`: it must not be acknowledged
   */
  async missed(connection: From, { id, payload: gap }: GapMessage): Promise<void> {
    const { primaryId, groupId } = connection.identity;
    const sequence = this.#sequences.get(connection);
    if (sequence === undefined) throw new TypeError("a gap came before RESUME");
    const { from: first, to, count, reason } = gap;
    const from = sequence.take(first, to);
    const { journal } = sequence;
    const [since, until] = [isoOf(gap.sinceMs), isoOf(gap.untilMs)];
    const data = { id: primaryId, groupId, journal, from: first, to, count, since, until, reason };
    const events = [
      ...this.#holeEvents(connection.identity, journal, from, first),
      this.#gapEvent(`${journal}.${first}-${to}`, data),
    ];
    const standing = { source: sourceOf(primaryId), groupId, journal, position: to, id: id.toUpperCase() };
    await this.#options.log.append(events, { kind: "advance", from, standing });
    sequence.stored(to);
  }

  /** A primary that numbers no more: what was known of its numbers is not how far it is stored any longer. */
  #forgetting({ primaryId, groupId }: Place): StandingChange | undefined {
    const source = sourceOf(primaryId);
    if (this.#options.log.standing(source, groupId) === undefined) return undefined;
    return { kind: "forget", source, groupId };
  }

  /** Positions from `from` to before `next` were left out, and the primary has said nothing of it. */
  #holeEvents({ primaryId: id, groupId }: Place, journal: string, from: number, next: number): LogEvent[] {
    if (from === next) return [];
    const to = next - 1;
    const missing = { from, to, count: to - from + 1, since: null, until: null };
    const data = { id, groupId, journal, ...missing, reason: "not_announced" };
    return [this.#gapEvent(`${journal}.${from}-${to}`, data)];
  }

  /** The same gap, announced again after a kill, is the same event. */
  #gapEvent(key: string, data: GapData): LogEvent {
    const { primary, ...fields } = { primary: data.id, ...data };
    this.#options.logger.warn({ primary, ...fields }, "notification.gap");
    return {
      id: `${primary}.gap.${key}`,
      type: "sallyport.notifications.gap",
      source: sourceOf(primary),
      subject: sourceOf(primary),
      time: new Date(this.#options.now()).toISOString(),
      data,
    };
  }
}

function sourceOf(primaryId: string): string {
  return `/primaries/${primaryId}`;
}

/** What a primary says may be no moment at all. */
function isoOf(ms: number | null): string | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
