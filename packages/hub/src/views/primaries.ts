import type { Database } from "@sallyport/durable";
import type { StoredEvent } from "../log/log.ts";
import type { KnownData, KnownEvent } from "../log/known-events.ts";
import type { PrimaryDialect } from "../enrolment/dialect.ts";
import {
  countSelect,
  pageSelect,
  type PrimariesCountQuery,
  type PrimariesPageQuery,
} from "./primaries-page.ts";
import { Remembered } from "./remembered.ts";
import type { View } from "./views.ts";

/** A primary as it stands in the log, with its last connection. */
export interface PrimaryRecord {
  id: string;
  name: string;
  labels: Record<string, string>;
  /** Of the endpoint that it was enrolled with. */
  groupId: string;
  priority: number;
  dialect: PrimaryDialect;
  /** ISO 8601. */
  createdAt: string;
  lastConnection: LastConnection | undefined;
}

/** A primary in a list, with what the list is sorted by. */
export interface PagedPrimary extends PrimaryRecord {
  sortKey: string;
}

/** The newest connection that the log knows. */
export interface LastConnection {
  epoch: number;
  trackingId: string | null;
  isOpen: boolean;
  /** When it came to be so, ISO 8601. */
  since: string;
  lastSeenAt: string;
  remoteAddress: string;
  closeCode: number | null;
  closeReason: string | null;
}

interface Row {
  id: string;
  name: string;
  labels: string;
  group_id: string;
  priority: number;
  dialect: string;
  created_at: string;
  last_connection: string | null;
}

/** The primaries that are enrolled. */
export class PrimariesView implements View {
  readonly schema = `CREATE TABLE primaries (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    labels TEXT NOT NULL,
    group_id TEXT NOT NULL,
    priority INTEGER NOT NULL,
    dialect TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    last_connection TEXT
  ) STRICT;
  CREATE INDEX primaries_by_name ON primaries (name COLLATE NOCASE, id);
  CREATE INDEX primaries_by_age ON primaries (created_at, id);`;
  readonly #remembered = new Remembered<PrimaryRecord>();
  #statements: ReturnType<typeof prepare> | undefined;
  #database: Database | undefined;

  attach(database: Database): void {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /** All primaries by name. */
  list(): PrimaryRecord[] {
    return (this.#sql.list.all() as unknown as Row[]).map(toRecord);
  }

  get(id: string): PrimaryRecord | undefined {
    return this.#remembered.get(id, (id) => this.#read(id));
  }

  findByName(name: string): PrimaryRecord | undefined {
    return toRecordOrNone(this.#sql.byName.get(name));
  }

  /** One page of those that match, with `limit + 1` rows where there are more. */
  page(query: PrimariesPageQuery): PagedPrimary[] {
    const { sql, values } = pageSelect(query);
    const rows = this.#database?.prepare(sql).all(...values) ?? [];
    return (rows as unknown as (Row & { sort_key: string })[]).map((row) => ({
      ...toRecord(row),
      sortKey: row.sort_key,
    }));
  }

  /** How many of those that match there are, by the state of their connection; states that none has are left out. */
  counts(query: PrimariesCountQuery): Map<string, number> {
    const { sql, values } = countSelect(query);
    const rows = this.#database?.prepare(sql).all(...values) ?? [];
    return new Map(rows.map(({ state, count }) => [String(state), Number(count)]));
  }

  /** The largest number that a connection in the log has. */
  lastEpoch(): number {
    return Number(this.#sql.lastEpoch.get()?.["epoch"] ?? 0);
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    if (known?.type.startsWith("sallyport.primary.") === true) this.#remembered.forgetAll();
    switch (known?.type) {
      case "sallyport.primary.enrolled": {
        const { id, name, labels, groupId, priority } = known.data;
        this.#sql.insert.run(id, name, JSON.stringify(labels), groupId, priority, event.time);
        return;
      }
      case "sallyport.primary.changed":
        this.#change(known.data);
        return;
      case "sallyport.primary.endpoint.added": {
        const { id, groupId, priority } = known.data;
        this.#sql.setPriority.run(priority, id, groupId);
        return;
      }
      case "sallyport.primary.deleted":
        this.#sql.remove.run(known.data.id);
        return;
      case "sallyport.connection.connected":
        this.#noteConnection(known.data, {
          epoch: known.data.epoch,
          trackingId: known.data.trackingId,
          isOpen: true,
          since: event.time,
          lastSeenAt: event.time,
          remoteAddress: known.data.remoteAddress,
          closeCode: null,
          closeReason: null,
        });
        return;
      case "sallyport.connection.disconnected":
        this.#noteConnection(known.data, {
          epoch: known.data.epoch,
          trackingId: known.data.trackingId,
          isOpen: false,
          since: event.time,
          lastSeenAt: known.data.lastSeenAt,
          remoteAddress: known.data.remoteAddress,
          closeCode: known.data.closeCode,
          closeReason: known.data.closeReason,
        });
        return;
      default:
    }
  }

  #change({ id, name, labels, dialect }: KnownData<"sallyport.primary.changed">): void {
    const before = this.#read(id);
    if (before === undefined) return;
    const after = [
      name ?? before.name,
      JSON.stringify(labels ?? before.labels),
      JSON.stringify(dialect === undefined ? before.dialect : (dialect ?? {})),
    ];
    this.#sql.change.run(...after, id);
  }

  /** What an older connection says after a newer one came is history, not state. */
  #noteConnection({ id }: KnownData<"sallyport.connection.connected">, connection: LastConnection): void {
    const newest = this.#read(id)?.lastConnection?.epoch ?? 0;
    if (connection.epoch < newest) return;
    this.#sql.setConnection.run(JSON.stringify(connection), connection.lastSeenAt, id);
    this.#remembered.forget(id);
  }

  #read(id: string): PrimaryRecord | undefined {
    return toRecordOrNone(this.#sql.get.get(id));
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

function prepare(database: Database) {
  return {
    list: database.prepare("SELECT * FROM primaries ORDER BY name"),
    get: database.prepare("SELECT * FROM primaries WHERE id = ?"),
    byName: database.prepare("SELECT * FROM primaries WHERE name = ?"),
    insert: database.prepare(
      "INSERT INTO primaries VALUES (?, ?, ?, ?, ?, '{}', ?, '', NULL) ON CONFLICT DO NOTHING",
    ),
    change: database.prepare("UPDATE OR IGNORE primaries SET name = ?, labels = ?, dialect = ? WHERE id = ?"),
    setPriority: database.prepare("UPDATE primaries SET priority = ? WHERE id = ? AND group_id = ?"),
    lastEpoch: database.prepare(
      "SELECT MAX(json_extract(last_connection, '$.epoch')) AS epoch FROM primaries",
    ),
    remove: database.prepare("DELETE FROM primaries WHERE id = ?"),
    setConnection: database.prepare(
      "UPDATE primaries SET last_connection = ?, last_seen_at = ? WHERE id = ?",
    ),
  };
}

function toRecordOrNone(row: unknown): PrimaryRecord | undefined {
  return row === undefined ? undefined : toRecord(row as Row);
}

function toRecord(row: Row): PrimaryRecord {
  return {
    id: row.id,
    name: row.name,
    labels: JSON.parse(row.labels) as Record<string, string>,
    groupId: row.group_id,
    priority: row.priority,
    dialect: JSON.parse(row.dialect) as PrimaryDialect,
    createdAt: row.created_at,
    lastConnection:
      row.last_connection === null ? undefined : (JSON.parse(row.last_connection) as LastConnection),
  };
}
