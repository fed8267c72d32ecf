import type { StandingChange, StoredStanding } from "./standings.ts";

/** Something that happened. */
export interface LogEvent {
  /** Tells an event from all others; appended twice, it is stored once. */
  id: string;
  /** Such as `netbackup.job.done` or `sallyport.primary.enrolled`. */
  type: string;
  /** Such as `/primaries/<id>` or `/hub`. */
  source: string;
  subject: string;
  /** ISO 8601, UTC. */
  time: string;
  data: unknown;
}

/** An event with its place in the log. */
export interface StoredEvent extends LogEvent {
  /** Counts up from 1; later is larger. */
  position: number;
}

/** Where an event is. */
export interface Appended {
  position: number;
  /** The id was in the log already; nothing was stored. */
  duplicate: boolean;
}

/** Which events to read. */
export interface ReadOptions {
  /** Events with a larger position; 0 for all. */
  after: number;
  limit: number;
  /** Beginnings of types; an event matches when one of them fits. */
  types?: readonly string[] | undefined;
  source?: string | undefined;
}

/** Which events to look for, by indexes. */
export interface SelectOptions {
  /** Events with a larger position. */
  after: number;
  /** Events with a smaller position. */
  before?: number | undefined;
  limit: number;
  /** Beginnings of types; an event matches when one of them fits. */
  types: readonly string[];
  /** Undefined for all. */
  sources?: ReadonlySet<string> | undefined;
}

/** What was found. */
export interface Selection {
  events: StoredEvent[];
  /** All events up to this position were looked at; where to go on, whether or not the page is full. */
  scannedTo: number;
}

/** Which events to read backwards. */
export interface BackwardsOptions {
  /** The whole type. */
  type: string;
  source?: string | undefined;
  /** Events with a smaller position. */
  before: number;
  limit: number;
}

/** What goes when old events are deleted; as `sallyport.log.trimmed` says it. */
export interface TrimOptions {
  types: readonly string[];
  before: number;
  keepPerSource: number;
  /** The position of the event that said so. */
  at: number;
}

/** How far deleting has come. */
export interface TrimCursor {
  /** Which of the beginnings of types. */
  prefix: number;
  type: string;
  after: number;
}

/** What one step of deleting did. */
export interface TrimStep {
  deleted: number;
  /** Undefined when all has been looked at. */
  next: TrimCursor | undefined;
}

/** Told what was committed, in order. Must not throw. */
export type LogListener = (events: readonly StoredEvent[]) => void;

/** The one durable truth of the hub. */
export interface EventLog extends AsyncDisposable {
  /**
   * Stores events, all or none; on disk when the promise resolves. Appends of one turn of the event loop share a commit.
   * Positions follow the order of the calls.
   * @param change of a standing, stored with the events or not at all
   * @throws HubError `out_of_sequence` when that change is refused, `log_busy` when too many events wait, `log_failed` when they could not be written: in each
   *   case nothing was stored and the same events may be appended again
   */
  append(events: readonly LogEvent[], change?: StandingChange): Promise<Appended[]>;
  /** How far what a source numbers for a server group is stored, on the disk; undefined when nothing is known. */
  standing(source: string, groupId: string): StoredStanding | undefined;
  /** Events in order of position. */
  read(options: ReadOptions): Promise<StoredEvent[]>;
  /**
   * Events by type and source at a cost that does not grow with the log: it may end before `limit` events were found; then go on
   * after `scannedTo`.
   */
  select(options: SelectOptions): Promise<Selection>;
  /** Events of one type (and source), newest first, by indexes. */
  backwards(options: BackwardsOptions): Promise<StoredEvent[]>;
  /** The event at a position; undefined when there is none any more. */
  get(position: number): Promise<StoredEvent | undefined>;
  /** The first position whose event is not older than a moment (ISO 8601, UTC); times grow with positions but for steps of the clock. */
  positionAt(time: string): Promise<number>;
  /** The newest position below `before` whose type begins with one of these; undefined when there is none. */
  newest(types: readonly string[], before: number): Promise<number | undefined>;
  /**
   * Deletes some of what goes (see `sallyport.log.trimmed`, which is written first).
   * @param cursor what the step before gave as `next`; undefined to begin
   * @param limit events that are looked at
   */
  trim(options: TrimOptions, cursor: TrimCursor | undefined, limit: number): Promise<TrimStep>;
  /** Bytes that the events take on the disk; what was deleted is filled again before the file grows. */
  usedBytes(): Promise<number>;
  /** Events that wait for their commit. */
  readonly pendingEvents: number;
  /** The position of the newest event; 0 when there is none. */
  lastPosition(): Promise<number>;
  /** Calls `listener` after each commit, before the promises of its appends resolve. Returns what ends it. */
  subscribe(listener: LogListener): () => void;
  /**
   * Resolves when the log can be written. After a failure it is tried; otherwise the last commit is proof enough.
   * @throws HubError `log_failed`
   */
  check(): Promise<void>;
  /** Commits what waits, then closes. Calling it again returns the same promise. */
  close(): Promise<void>;
}
