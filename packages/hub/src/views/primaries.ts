import type { Database } from "@sallyport/durable";
import type { StoredEvent } from "../log/log.ts";
import type { KnownData, KnownEvent } from "../log/known-events.ts";
import { Remembered } from "./remembered.ts";
import type { View } from "./views.ts";

/** A primary as it was enrolled, and what the log says of its last connection. */
export interface PrimaryRecord {
  id: string;
  name: string;
  labels: Record<string, string>;
  groupId: string;
  priority: number;
  /** SHA-256 of the token, hex. */
  tokenHash: string;
  /** ISO 8601. */
  createdAt: string;
  lastConnection: LastConnection | undefined;
}

/** The newest connection that the log knows. */
export interface LastConnection {
  epoch: number;
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
  token_hash: string;
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
    token_hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    last_connection TEXT
  ) STRICT;`;
  readonly #remembered = new Remembered<PrimaryRecord>();
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
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

  findByTokenHash(tokenHash: string): PrimaryRecord | undefined {
    return toRecordOrNone(this.#sql.byTokenHash.get(tokenHash));
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    if (known?.type.startsWith("sallyport.primary.") === true) this.#remembered.forgetAll();
    switch (known?.type) {
      case "sallyport.primary.enrolled": {
        const { id, name, labels, groupId, priority, tokenHash } = known.data;
        this.#sql.insert.run(id, name, JSON.stringify(labels), groupId, priority, tokenHash, event.time);
        return;
      }
      case "sallyport.primary.deleted":
        this.#sql.remove.run(known.data.id);
        return;
      case "sallyport.connection.connected":
        this.#noteConnection(known.data, {
          epoch: known.data.epoch,
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

  /** What an older connection says after a newer one came is history, not state. */
  #noteConnection({ id }: KnownData<"sallyport.connection.connected">, connection: LastConnection): void {
    const newest = this.#read(id)?.lastConnection?.epoch ?? 0;
    if (connection.epoch >= newest) this.#sql.setConnection.run(JSON.stringify(connection), id);
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
    byTokenHash: database.prepare("SELECT * FROM primaries WHERE token_hash = ?"),
    insert: database.prepare(
      "INSERT INTO primaries VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
    ),
    remove: database.prepare("DELETE FROM primaries WHERE id = ?"),
    setConnection: database.prepare("UPDATE primaries SET last_connection = ? WHERE id = ?"),
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
    tokenHash: row.token_hash,
    createdAt: row.created_at,
    lastConnection:
      row.last_connection === null ? undefined : (JSON.parse(row.last_connection) as LastConnection),
  };
}
