import type { Database } from "@sallyport/durable";
import type { Clock, Timer } from "@sallyport/nbwss";
import { HubError } from "../errors.ts";
import { toKnownEvent, type KnownEvent } from "../log/known-events.ts";
import type { EventLog, StoredEvent } from "../log/log.ts";
import { openViewsDatabase, readReached, removeDatabase } from "./views-database.ts";

/** One part of what is shown: its tables, and how an event changes them. */
export interface View {
  /** SQL that makes the view's tables. May be changed at any time: views of another schema are rebuilt from the log at start. */
  readonly schema: string;
  /** Raised when `fold` makes something else of the same events while the schema stays; the views are rebuilt then too. */
  readonly revision?: number;
  /** Called once, when the tables are there. */
  attach(database: Database): void;
  /**
   * Changes the tables. Runs in the transaction of its batch; must depend on nothing but the tables and the event.
   * @param known the same event, checked, when it is one of the hub's own; undefined for notifications
   */
  fold(event: StoredEvent, known: KnownEvent | undefined): void;
}

/** Where views tell what happens to them. */
export interface ViewsLogger {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

/** What the views are made of. */
export interface ViewsOptions {
  path: string;
  log: Pick<EventLog, "read" | "lastPosition" | "subscribe">;
  views: readonly View[];
  /** Whether events of a type change these tables at all; the others only move the position. */
  concerns: (type: string) => boolean;
  clock: Pick<Clock, "after">;
  logger: ViewsLogger;
  retryMs: number;
  /** Told how far folding old events has come, for whoever waits for it. */
  onProgress?: ((position: number, last: number) => void) | undefined;
}

const batchEvents = 1_000;
/** Events without concern after which the position is written nevertheless, so that a start does not read them all again. */
const maxPassed = 10_000;

/**
 * The tables folded from the log, in a database file that may be deleted: it is made anew from the log. The file holds
 * the position that it has reached, written in the same transaction as what was folded.
 */
export class Views implements Disposable {
  readonly #options: ViewsOptions;
  readonly #database: Database;
  readonly #savePosition;
  #position: number;
  #isCurrent = false;
  #unsubscribe: (() => void) | undefined;
  /** The newest event when it was passed over: its place is not written yet. */
  #passed: { last: StoredEvent; count: number } | undefined;
  #retry: Timer | undefined;
  #closed = false;

  /** Why they were folded from the first event on, when they were. */
  readonly madeAnew: string | undefined;

  private constructor(options: ViewsOptions, database: Database, madeAnew: string | undefined) {
    this.#options = options;
    this.madeAnew = madeAnew;
    this.#database = database;
    this.#savePosition = database.prepare("UPDATE reached SET position = ?, event_id = ?");
    for (const view of options.views) view.attach(database);
    this.#position = readReached(database).position;
  }

  /**
   * Opens the views and folds what they have not seen yet. Those of another version, of another log, or damaged ones are folded from the
   * first event on.
   */
  static async open(options: ViewsOptions): Promise<Views> {
    const { path, log, logger } = options;
    const { database, madeAnew } = await openFitting(options);
    let views: Views;
    try {
      views = new Views(options, database, madeAnew);
    } catch (error) {
      database.close();
      throw error;
    }
    try {
      const last = await log.lastPosition();
      if (madeAnew !== undefined && last > 0) logger.warn({ path, why: madeAnew, last }, "views.rebuilding");
      await views.#catchUp();
      if (madeAnew !== undefined && last > 0)
        logger.info({ path, position: views.position }, "views.rebuilt");
      views.#unsubscribe = log.subscribe((events) => views.#onCommit(events));
      return views;
    } catch (error) {
      views.close();
      throw error;
    }
  }

  /** The newest event that is shown. */
  get position(): number {
    return this.#position;
  }

  /** Whether all that was committed to the log is shown. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** @throws HubError `views_behind` for what must not be decided on old data */
  requireCurrent(): void {
    if (this.#isCurrent) return;
    const message = "the hub's views could not be written (is the disk full?); try again later";
    throw new HubError("views_behind", message, { retryAfterS: 5 });
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe?.();
    this.#retry?.cancel();
    try {
      this.#savePassed();
    } catch (err) {
      // Such as a full disk, which must not be in the way of the hub's end: the next start reads these events once more.
      this.#options.logger.warn({ err, position: this.#position }, "views.position_not_saved");
    }
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Folds what the log has by now; for a log that tells nobody what it commits. Never rejects: a failure is tried again later. */
  async follow(): Promise<void> {
    if (!this.#isCurrent) return;
    try {
      await this.#catchUp();
    } catch (error) {
      this.#fallBehind(error);
    }
  }

  #onCommit(events: readonly StoredEvent[]): void {
    // While behind, the log itself is read: these events come with the rest.
    if (!this.#isCurrent) return;
    try {
      if (events.some(({ type }) => this.#options.concerns(type))) this.#fold(events);
      else this.#passOver(events);
    } catch (error) {
      this.#fallBehind(error);
    }
  }

  #passOver(events: readonly StoredEvent[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    this.#position = last.position;
    this.#passed = { last, count: (this.#passed?.count ?? 0) + events.length };
    if (this.#passed.count >= maxPassed) this.#savePassed();
  }

  #savePassed(): void {
    if (this.#passed === undefined) return;
    const { position, id } = this.#passed.last;
    this.#savePosition.run(position, id);
    this.#passed = undefined;
  }

  #fallBehind(error: unknown): void {
    const { clock, logger, retryMs } = this.#options;
    if (this.#isCurrent) logger.error({ err: error, position: this.#position }, "views.behind");
    this.#isCurrent = false;
    if (this.#closed) return;
    this.#retry = clock.after(retryMs, () => void this.#tryAgain());
  }

  /** Never rejects: a failure is tried again later. */
  async #tryAgain(): Promise<void> {
    try {
      await this.#catchUp();
      this.#options.logger.info({ position: this.#position }, "views.caught_up");
    } catch (error) {
      this.#fallBehind(error);
    }
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const events = await this.#options.log.read({ after: this.#position, limit: batchEvents });
      if (this.#closed) return;
      this.#fold(events);
      const last = await this.#options.log.lastPosition();
      this.#options.onProgress?.(this.#position, last);
      if (events.length === batchEvents) continue;
      if (last === this.#position) break;
    }
    this.#isCurrent = true;
  }

  #fold(events: readonly StoredEvent[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    this.#database.transaction(() => {
      for (const event of events) {
        if (!this.#options.concerns(event.type)) continue;
        const known = toKnownEvent(event.type, event.data);
        for (const view of this.#options.views) view.fold(event, known);
      }
      this.#savePosition.run(last.position, last.id);
    });
    this.#position = last.position;
    this.#passed = undefined;
  }
}

/** Opens the database; one that was folded from another log (an older one was put back, say) is made anew. */
async function openFitting({ path, views, log }: ViewsOptions) {
  const opened = openViewsDatabase(path, views);
  try {
    if (await isOfLog(opened.database, log)) return opened;
  } catch (error) {
    opened.database.close();
    throw error;
  }
  opened.database.close();
  removeDatabase(path);
  return { ...openViewsDatabase(path, views), madeAnew: "it was folded from another log" };
}

/** Whether the newest folded event is where it was; one that retention has removed meanwhile can't tell. */
async function isOfLog(database: Database, log: ViewsOptions["log"]): Promise<boolean> {
  const { position, eventId } = readReached(database);
  if (position === 0) return true;
  if (position > (await log.lastPosition())) return false;
  const [event] = await log.read({ after: position - 1, limit: 1 });
  return event?.position !== position || event.id === eventId;
}
