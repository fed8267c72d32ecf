import type { Database } from "@sallyport/durable";
import type { StoredEvent } from "../log/log.ts";
import type { Role, Scope } from "../access/roles.ts";
import type { KnownEvent } from "../log/known-events.ts";
import { Remembered } from "./remembered.ts";
import type { View } from "./views.ts";

/** An API key, without the key. */
export interface ApiKeyRecord {
  id: string;
  name: string;
  role: Role;
  scope: Scope;
  /** SHA-256 of the key, hex. */
  keyHash: string;
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601; null for one that does not expire. */
  expiresAt: string | null;
  /** ISO 8601; may be behind by some time. */
  lastUsedAt: string | null;
  lastUsedFrom: string | null;
}

/** The API keys that were not revoked, expired ones included. */
export class ApiKeysView implements View {
  readonly schema = `CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    last_used_at TEXT,
    last_used_from TEXT
  ) STRICT;`;
  readonly #remembered = new Remembered<ApiKeyRecord>();
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
  }

  /** All, by name. */
  list(): ApiKeyRecord[] {
    return ((this.#statements?.all.all() ?? []) as unknown as Row[]).map(toRecord);
  }

  findByHash(keyHash: string): ApiKeyRecord | undefined {
    return this.#remembered.get(keyHash, (keyHash) => {
      const row = this.#statements?.byHash.get(keyHash);
      return row === undefined ? undefined : toRecord(row as unknown as Row);
    });
  }

  get(id: string): ApiKeyRecord | undefined {
    const row = this.#statements?.byId.get(id);
    return row === undefined ? undefined : toRecord(row as unknown as Row);
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    if (known?.type.startsWith("sallyport.api-key.") === true) this.#remembered.forgetAll();
    if (known?.type === "sallyport.api-key.created") {
      const { id, name, role, scope, keyHash, expiresAt } = known.data;
      this.#statements?.insert.run(id, name, role, JSON.stringify(scope), keyHash, event.time, expiresAt);
    } else if (known?.type === "sallyport.api-key.revoked") {
      this.#statements?.remove.run(known.data.id);
    } else if (known?.type === "sallyport.api-key.used") {
      const { id, at, from } = known.data;
      this.#statements?.used.run(at, from, id);
    }
  }
}

function prepare(database: Database) {
  return {
    all: database.prepare("SELECT * FROM api_keys ORDER BY name, id"),
    byId: database.prepare("SELECT * FROM api_keys WHERE id = ?"),
    byHash: database.prepare("SELECT * FROM api_keys WHERE key_hash = ?"),
    insert: database.prepare(
      "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL) ON CONFLICT DO NOTHING",
    ),
    remove: database.prepare("DELETE FROM api_keys WHERE id = ?"),
    used: database.prepare("UPDATE api_keys SET last_used_at = ?, last_used_from = ? WHERE id = ?"),
  };
}

interface Row {
  id: string;
  name: string;
  role: Role;
  scope: string;
  key_hash: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  last_used_from: string | null;
}

function toRecord(row: Row): ApiKeyRecord {
  const { id, name, role, scope } = row;
  return {
    id,
    name,
    role,
    scope: JSON.parse(scope) as Scope,
    keyHash: row.key_hash,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    lastUsedFrom: row.last_used_from,
  };
}
