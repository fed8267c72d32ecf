import { openDatabase, type Database } from "@sallyport/durable";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { HubError } from "../errors.ts";
import { toKnownEvent, type KnownEvent } from "../log/known-events.ts";
import type { EventLog, StoredEvent } from "../log/log.ts";

/** One part of what is shown: its tables, and how an event changes them. */
export interface View {
  /** SQL that makes the view's tables when they are missing. */
  readonly schema: string;
  /** Called once, when the tables are there. */
  attach(database: Database): void;
  /**
   * Changes the tables. Runs in the transaction of its batch; must depend on nothing but the tables and the event.
   * @param known the same event, checked, when it is one of the hub's own; undefined for notifications
   */
  fold(event: StoredEvent, known: KnownEvent | undefined): void;
}

/** What the views are made of. */
export interface ViewsOptions {
  path: string;
  log: EventLog;
  views: readonly View[];
  clock: Clock;
  logger: Logger;
  retryMs: number;
}

const batchEvents = 1_000;

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
  #retry: Timer | undefined;
  #closed = false;

  private constructor(options: ViewsOptions) {
    this.#options = options;
    this.#database = openDatabase({
      path: options.path,
      migrations: [
        "CREATE TABLE reached (position INTEGER NOT NULL) STRICT; INSERT INTO reached VALUES (0);",
        ...options.views.map(({ schema }) => schema),
      ],
    });
    // A power cut may take the last transactions, never half of one; they are folded again.
    this.#database.connection.exec("PRAGMA synchronous=NORMAL");
    this.#savePosition = this.#database.prepare("UPDATE reached SET position = ?");
    for (const view of options.views) view.attach(this.#database);
    this.#position = this.#readPosition();
  }

  /** Opens the views and folds what they have not seen yet. */
  static async open(options: ViewsOptions): Promise<Views> {
    const views = new Views(options);
    try {
      await views.#catchUp();
      views.#unsubscribe = options.log.subscribe((events) => views.#onCommit(events));
      return views;
    } catch (error) {
      views.close();
      throw error;
    }
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
    this.#closed = true;
    this.#unsubscribe?.();
    this.#retry?.cancel();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #onCommit(events: readonly StoredEvent[]): void {
    // While behind, the log itself is read: these events come with the rest.
    if (!this.#isCurrent) return;
    try {
      this.#fold(events);
    } catch (error) {
      this.#fallBehind(error);
    }
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
      if (events.length === batchEvents) continue;
      const last = await this.#options.log.lastPosition();
      if (last === this.#position) break;
    }
    this.#isCurrent = true;
  }

  #fold(events: readonly StoredEvent[]): void {
    const last = events.at(-1)?.position;
    if (last === undefined) return;
    this.#database.transaction(() => {
      for (const event of events) {
        const known = toKnownEvent(event.type, event.data);
        for (const view of this.#options.views) view.fold(event, known);
      }
      this.#savePosition.run(last);
    });
    this.#position = last;
  }

  #readPosition(): number {
    return Number(this.#database.prepare("SELECT position FROM reached").get()?.["position"] ?? 0);
  }
}
