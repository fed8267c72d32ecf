import type { Database } from "@sallyport/durable";
import type { KnownData, KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "./views.ts";

const types = {
  connected: "sallyport.connection.connected",
  disconnected: "sallyport.connection.disconnected",
  refused: "sallyport.refusal",
  token_shared: "sallyport.primary.token.shared",
  gap: "sallyport.notifications.gap",
} as const;

/** Something that happened to a primary's connections, as the log has it. */
export type TimelineRecord = {
  [E in keyof typeof types]: { position: number; time: string; event: E; data: KnownData<(typeof types)[E]> };
}[keyof typeof types];

/** A gap in what a primary has told. */
export type GapRecord = Extract<TimelineRecord, { event: "gap" }>;

/** When and from where a token was last used. */
export interface TokenUse {
  at: string;
  remoteAddress: string;
}

/** Entries of a primary that are kept: of its connections, of its gaps, and of the rest. A flood of one must not push the others out. */
const kept = { connection: 200, other: 50, gap: 50 };

interface Row {
  position: number;
  time: string;
  event: TimelineRecord["event"];
  data: string;
}

/** What happened to the connections of each primary, the newest entries. Retention takes old ones here as in the log. */
export class TimelineView implements View {
  readonly schema = `CREATE TABLE timeline (
    primary_id TEXT NOT NULL,
    class TEXT NOT NULL,
    position INTEGER NOT NULL,
    event TEXT NOT NULL,
    time TEXT NOT NULL,
    epoch INTEGER,
    token_id TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (primary_id, class, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX timeline_by_position ON timeline (primary_id, position);
  CREATE INDEX timeline_by_epoch ON timeline (primary_id, epoch, event);
  CREATE INDEX timeline_by_token ON timeline (token_id, position) WHERE class = 'connection';
  CREATE INDEX timeline_gaps ON timeline (primary_id, position) WHERE class = 'gap';`;
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
  }

  /** Entries of a primary before a position, the newest first. */
  page(primaryId: string, before: number, limit: number): TimelineRecord[] {
    return (this.#sql.page.all(primaryId, before, limit) as unknown as Row[]).map(toRecord);
  }

  /** Connections that began and of which no end is known, with the time when they did. */
  open(): { time: string; data: KnownData<"sallyport.connection.connected"> }[] {
    const rows = this.#sql.open.all() as unknown as Row[];
    return rows.map(({ time, data }) => {
      return { time, data: JSON.parse(data) as KnownData<"sallyport.connection.connected"> };
    });
  }

  /** When a connection with this token was last seen; undefined when it was never used, or too long ago to be known. */
  lastUse(tokenId: string): TokenUse | undefined {
    const row = this.#sql.lastUse.get(tokenId) as unknown as Row | undefined;
    if (row === undefined) return undefined;
    const data = JSON.parse(row.data) as { lastSeenAt?: string; remoteAddress: string };
    return { at: data.lastSeenAt ?? row.time, remoteAddress: data.remoteAddress };
  }

  /** A primary's newest gap; undefined when the log knows of none. */
  lastGap(primaryId: string): GapRecord | undefined {
    const row = this.#sql.lastGap.get(primaryId) as unknown as Row | undefined;
    return row && (toRecord(row) as GapRecord);
  }

  /** The newest gap of each primary that has one. */
  lastGaps(): Map<string, GapRecord> {
    const rows = this.#sql.lastGaps.all() as unknown as (Row & { primary_id: string })[];
    return new Map(rows.map((row) => [row.primary_id, toRecord(row) as GapRecord]));
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    switch (known?.type) {
      case types.connected:
      case types.disconnected: {
        const { epoch, tokenId } = known.data;
        const name = known.type === types.connected ? "connected" : "disconnected";
        this.#add(event, known.data, { of: "connection", name, epoch, tokenId });
        return;
      }
      case types.refused:
      case types.token_shared: {
        const name = known.type === types.refused ? "refused" : "token_shared";
        this.#add(event, known.data, { of: "other", name, epoch: null, tokenId: known.data.tokenId });
        return;
      }
      case types.gap:
        this.#add(event, known.data, { of: "gap", name: "gap", epoch: null, tokenId: null });
        return;
      case "sallyport.primary.deleted":
        this.#sql.removeAll.run(known.data.id);
        return;
      case "sallyport.log.trimmed":
        this.#trim(known.data);
        return;
      default:
    }
  }

  #add(
    { position, time }: StoredEvent,
    data: { id: string },
    entry: { of: keyof typeof kept; name: string; epoch: number | null; tokenId: string | null },
  ): void {
    const { id } = data;
    const { of, name, epoch, tokenId } = entry;
    this.#sql.add.run(id, of, position, name, time, epoch, tokenId, JSON.stringify(data), id);
    this.#sql.bound.run(id, of, id, of, kept[of]);
  }

  /** Takes what the log no longer has, so that the view is the same when it is made anew. */
  #trim({ types: gone, before, keepPerSource }: KnownData<"sallyport.log.trimmed">): void {
    if (gone.includes("sallyport.connection.")) this.#sql.trim.run("connection", before, keepPerSource);
    if (gone.includes(types.refused)) this.#sql.trim.run("other", before, keepPerSource);
    if (gone.includes(types.gap)) this.#sql.trim.run("gap", before, keepPerSource);
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

function prepare(database: Database) {
  return {
    page: database.prepare(
      `SELECT position, time, event, data FROM timeline WHERE primary_id = ? AND position < ?
       ORDER BY position DESC LIMIT ?`,
    ),
    open: database.prepare(
      `SELECT position, time, event, data FROM timeline AS began WHERE event = 'connected' AND NOT EXISTS (
         SELECT 1 FROM timeline AS ended WHERE ended.primary_id = began.primary_id
         AND ended.epoch = began.epoch AND ended.event = 'disconnected') ORDER BY position`,
    ),
    lastUse: database.prepare(
      `SELECT position, time, event, data FROM timeline WHERE token_id = ? AND class = 'connection'
       ORDER BY position DESC LIMIT 1`,
    ),
    lastGap: database.prepare(
      `SELECT position, time, event, data FROM timeline WHERE primary_id = ? AND class = 'gap'
       ORDER BY position DESC LIMIT 1`,
    ),
    // SQLite takes the other columns from the row that has the maximum.
    lastGaps: database.prepare(
      `SELECT primary_id, max(position) AS position, time, event, data FROM timeline WHERE class = 'gap'
       GROUP BY primary_id`,
    ),
    add: database.prepare(
      `INSERT INTO timeline SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM primaries WHERE id = ?)`,
    ),
    bound: database.prepare(
      `DELETE FROM timeline WHERE primary_id = ? AND class = ? AND position <= (
         SELECT position FROM timeline WHERE primary_id = ? AND class = ? ORDER BY position DESC LIMIT 1 OFFSET ?)`,
    ),
    trim: database.prepare(
      `DELETE FROM timeline WHERE class = ? AND position < ? AND (
         SELECT COUNT(*) FROM timeline AS newer WHERE newer.primary_id = timeline.primary_id
         AND newer.class = timeline.class AND newer.position > timeline.position) >= ?`,
    ),
    removeAll: database.prepare("DELETE FROM timeline WHERE primary_id = ?"),
  };
}

function toRecord({ position, time, event, data }: Row): TimelineRecord {
  return { position, time, event, data: JSON.parse(data) as unknown } as TimelineRecord;
}
