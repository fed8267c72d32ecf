import type { Database } from "@sallyport/durable";
import type { BackwardsOptions, SelectOptions, Selection, StoredEvent } from "./log.ts";

/** Index entries that one selection looks at, at most, when no index leads straight to what is wanted. */
const maxScanned = 5_000;
/** Different types that are looked up one by one; a primary may make up any number of them. */
const maxTypes = 64;
/** Pairs of source and type that are looked up one by one. */
const maxStreams = 128;
/** Sorts after everything that begins with the same text. */
const endMark = "\u{10ffff}";

interface Stored extends StoredEvent {
  data: string;
}
interface Place {
  position: number;
}

/**
 * Finds events by type and source with indexes, so that a page costs the same however long the log is: each wanted type (of each
 * wanted source) is read in order of position, and they are merged. Where there would be too many to merge, a bounded stretch is looked
 * through, and the selection says how far it came.
 */
export class SqliteSelection {
  readonly #sql;
  readonly #durable: () => number;

  /** @param durable the newest position that may be read */
  constructor(database: Database, durable: () => number) {
    this.#durable = durable;
    this.#sql = {
      get: database.prepare("SELECT * FROM events WHERE position = ?"),
      source: database.prepare("SELECT source FROM events WHERE position = ?"),
      last: database.prepare("SELECT COALESCE(MAX(position), 0) AS position FROM events WHERE position <= ?"),
      at: database.prepare("SELECT position, time FROM events WHERE position >= ? ORDER BY position LIMIT 1"),
      all: database.prepare(
        "SELECT * FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
      ),
      type: database.prepare("SELECT type FROM events WHERE type >= ? AND type < ? ORDER BY type LIMIT 1"),
      ofType: database.prepare(
        "SELECT position FROM events WHERE type = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?",
      ),
      ofSource: database.prepare(
        `SELECT position FROM events WHERE source = ? AND type = ? AND position > ? AND position <= ?
         ORDER BY position LIMIT ?`,
      ),
      stretch: database.prepare(
        `SELECT position, type, source FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
      ),
      typeBackwards: database.prepare(
        "SELECT * FROM events WHERE type = ? AND position < ? ORDER BY position DESC LIMIT ?",
      ),
      sourceBackwards: database.prepare(
        "SELECT * FROM events WHERE source = ? AND type = ? AND position < ? ORDER BY position DESC LIMIT ?",
      ),
      newest: database.prepare(
        "SELECT position FROM events WHERE type = ? AND position < ? ORDER BY position DESC LIMIT 1",
      ),
    };
  }

  last(): number {
    return (this.#sql.last.get(this.#durable()) as unknown as Place).position;
  }

  /** All events in order. */
  all(after: number, limit: number): StoredEvent[] {
    return (this.#sql.all.all(after, this.#durable(), limit) as unknown as Stored[]).map(toEvent);
  }

  select(options: SelectOptions): Selection {
    const { after, before = Infinity, limit, types, sources } = options;
    const end = Math.min(this.last(), before - 1);
    if (after >= end || types.length === 0 || sources?.size === 0) {
      return { events: [], scannedTo: Math.max(after, end) };
    }
    const exact = this.typesOf(types, maxTypes);
    if (exact === undefined) return this.#searchAll(options, end);
    if (sources !== undefined && sources.size * exact.length > maxStreams) {
      return this.#searchTypes(options, end, exact);
    }
    const found =
      sources === undefined
        ? exact.flatMap((type) => this.#sql.ofType.all(type, after, end, limit))
        : [...sources].flatMap((source) =>
            exact.flatMap((type) => this.#sql.ofSource.all(source, type, after, end, limit)),
          );
    const positions = firstOf(found as unknown as Place[], limit);
    return this.#selected(positions, positions.length === limit ? (positions.at(-1) ?? end) : end);
  }

  /** The exact types that begin with one of these; undefined when there are more than `max`. */
  typesOf(prefixes: readonly string[], max: number): string[] | undefined {
    const found = new Set<string>();
    for (const prefix of prefixes) {
      for (let type = this.nextType(prefix, ""); type !== undefined; type = this.nextType(prefix, type)) {
        found.add(type);
        if (found.size > max) return undefined;
      }
    }
    return [...found];
  }

  /** The first type with this beginning that sorts after `previous`. */
  nextType(prefix: string, previous: string): string | undefined {
    const from = previous === "" ? prefix : `${previous}\u0001`;
    return (this.#sql.type.get(from, `${prefix}${endMark}`) as { type: string } | undefined)?.type;
  }

  /** The newest position below `before` with one of these types; of too many types only the first are asked. */
  newest(prefixes: readonly string[], before: number): number | undefined {
    const end = Math.min(before, this.#durable() + 1);
    let newest: number | undefined;
    for (const prefix of prefixes) {
      for (let type = this.nextType(prefix, ""); type !== undefined; type = this.nextType(prefix, type)) {
        const found = this.#sql.newest.get(type, end) as unknown as Place | undefined;
        if (found !== undefined && found.position > (newest ?? 0)) newest = found.position;
      }
    }
    return newest;
  }

  /** Events of one type (and source), newest first. */
  backwards({ type, source, before, limit }: BackwardsOptions): StoredEvent[] {
    const rows =
      source === undefined
        ? this.#sql.typeBackwards.all(type, before, limit)
        : this.#sql.sourceBackwards.all(source, type, before, limit);
    return (rows as unknown as Stored[]).map(toEvent);
  }

  get(position: number): StoredEvent | undefined {
    if (position > this.#durable()) return undefined;
    const row = this.#sql.get.get(position);
    return row === undefined ? undefined : toEvent(row as unknown as Stored);
  }

  /** The first position whose event is not older than `time`, which grows with the positions but for steps of the clock. */
  positionAt(time: string): number {
    let [low, high] = [1, this.last() + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#sql.at.get(middle) as { position: number; time: string } | undefined;
      if (found === undefined || found.time >= time) high = middle;
      else low = found.position + 1;
    }
    return low;
  }

  /** Looks at every event of a stretch. */
  #searchAll({ after, limit, types, sources }: SelectOptions, end: number): Selection {
    const stretch = this.#sql.stretch.all(after, end, maxScanned) as unknown as Stored[];
    const wanted = stretch.filter(
      ({ type, source }) =>
        types.some((beginning) => type.startsWith(beginning)) && (sources?.has(source) ?? true),
    );
    const positions = wanted.slice(0, limit).map(({ position }) => position);
    if (positions.length === limit) return this.#selected(positions, positions.at(-1) ?? end);
    return this.#selected(positions, stretch.length < maxScanned ? end : (stretch.at(-1)?.position ?? end));
  }

  /** Looks at the events of a few types, whichever their sources are. */
  #searchTypes({ after, limit, sources }: SelectOptions, end: number, exact: readonly string[]): Selection {
    const share = Math.ceil(maxScanned / exact.length);
    const candidates: number[] = [];
    // Up to here no type has more than what was read of it.
    let horizon = end;
    for (const type of exact) {
      const places = this.#sql.ofType.all(type, after, end, share) as unknown as Place[];
      candidates.push(...places.map(({ position }) => position));
      if (places.length === share) horizon = Math.min(horizon, places.at(-1)?.position ?? end);
    }
    const positions: number[] = [];
    for (const position of candidates.sort((a, b) => a - b)) {
      if (position > horizon) break;
      const { source } = this.#sql.source.get(position) as { source: string };
      if (sources?.has(source) === true) positions.push(position);
      if (positions.length === limit) return this.#selected(positions, position);
    }
    return this.#selected(positions, horizon);
  }

  #selected(positions: readonly number[], scannedTo: number): Selection {
    const events = positions.map((position) => this.get(position)).filter((event) => event !== undefined);
    return { events, scannedTo };
  }
}

function firstOf(found: readonly Place[], limit: number): number[] {
  return found
    .map(({ position }) => position)
    .sort((a, b) => a - b)
    .slice(0, limit);
}

function toEvent(row: Stored): StoredEvent {
  return { ...row, data: JSON.parse(row.data) as unknown };
}
