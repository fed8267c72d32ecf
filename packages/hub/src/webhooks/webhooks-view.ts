import type { Database } from "@sallyport/durable";
import type { StoredEvent } from "../log/log.ts";
import type { KnownData, KnownEvent } from "../log/known-events.ts";
import type { View } from "../views/views.ts";
import type { disabledReasons } from "./webhook-events.ts";

/** A webhook as it stands in the log; its secrets are elsewhere. */
export interface WebhookRecord {
  id: string;
  url: string;
  description: string;
  /** Beginnings of types; none for all that are public. */
  types: readonly string[];
  /** Only of these primaries; none for all. */
  primaries: readonly string[];
  /** Only of primaries with all of these labels. */
  labels: Readonly<Record<string, string>>;
  enabled: boolean;
  /** Why the hub disabled it by itself; null otherwise. */
  disabledReason: (typeof disabledReasons)[number] | null;
  /** ISO 8601. */
  createdAt: string;
  /** Where the log says that it was made: it gets what comes after that. */
  position: number;
}

/** The webhooks. */
export class WebhooksView implements View {
  readonly schema = `CREATE TABLE webhooks (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    types TEXT NOT NULL,
    primaries TEXT NOT NULL,
    labels TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    disabled_reason TEXT,
    created_at TEXT NOT NULL
  ) STRICT;`;
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
  }

  /** Those made after a position, in the order in which they were made. */
  list(after = 0, limit = -1): WebhookRecord[] {
    return (this.#sql.list.all(after, limit) as unknown as Row[]).map(toRecord);
  }

  get(id: string): WebhookRecord | undefined {
    const row = this.#sql.get.get(id) as unknown as Row | undefined;
    return row === undefined ? undefined : toRecord(row);
  }

  /** How many there are. */
  get count(): number {
    return Number(this.#sql.count.get()?.["count"] ?? 0);
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    switch (known?.type) {
      case "sallyport.webhook.created": {
        const { id } = known.data;
        this.#sql.insert.run(event.position, id, ...toColumns(known.data), event.time);
        return;
      }
      case "sallyport.webhook.changed":
        this.#sql.change.run(...toColumns(known.data), known.data.id);
        return;
      case "sallyport.webhook.enabled":
        this.#sql.enable.run(1, null, known.data.id);
        return;
      case "sallyport.webhook.disabled":
        this.#sql.enable.run(0, known.data.reason, known.data.id);
        return;
      case "sallyport.webhook.deleted":
        this.#sql.remove.run(known.data.id);
        return;
      default:
    }
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

function prepare(database: Database) {
  return {
    list: database.prepare("SELECT * FROM webhooks WHERE position > ? ORDER BY position LIMIT ?"),
    get: database.prepare("SELECT * FROM webhooks WHERE id = ?"),
    count: database.prepare("SELECT count(*) AS count FROM webhooks"),
    insert: database.prepare(
      `INSERT INTO webhooks (position, id, url, description, types, primaries, labels, enabled, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`,
    ),
    change: database.prepare(
      "UPDATE webhooks SET url = ?, description = ?, types = ?, primaries = ?, labels = ? WHERE id = ?",
    ),
    enable: database.prepare("UPDATE webhooks SET enabled = ?, disabled_reason = ? WHERE id = ?"),
    remove: database.prepare("DELETE FROM webhooks WHERE id = ?"),
  };
}

interface Row {
  position: number;
  id: string;
  url: string;
  description: string;
  types: string;
  primaries: string;
  labels: string;
  enabled: number;
  disabled_reason: WebhookRecord["disabledReason"];
  created_at: string;
}

function toColumns(data: KnownData<"sallyport.webhook.changed">): [string, string, string, string, string] {
  const { url, description, types, primaries, labels } = data;
  return [url, description, JSON.stringify(types), JSON.stringify(primaries), JSON.stringify(labels)];
}

function toRecord(row: Row): WebhookRecord {
  const { id, url, description, position } = row;
  return {
    id,
    url,
    description,
    types: JSON.parse(row.types) as string[],
    primaries: JSON.parse(row.primaries) as string[],
    labels: JSON.parse(row.labels) as Record<string, string>,
    enabled: row.enabled === 1,
    disabledReason: row.disabled_reason,
    createdAt: row.created_at,
    position,
  };
}
