import type { Database } from "@sallyport/durable";
import type { StoredEvent } from "../log/log.ts";
import { toKnownEvent } from "./known-events.ts";
import type { View } from "./views.ts";

/** An API key, without the key. */
export interface ApiKeyRecord {
  id: string;
  name: string;
  role: "administrator";
  /** SHA-256 of the key, hex. */
  keyHash: string;
}

/** The API keys that are good. */
export class ApiKeysView implements View {
  readonly schema = `CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE
  ) STRICT;`;
  #database: Database | undefined;
  #byHash: ReturnType<Database["prepare"]> | undefined;

  attach(database: Database): void {
    this.#database = database;
    this.#byHash = database.prepare(
      "SELECT id, name, role, key_hash AS keyHash FROM api_keys WHERE key_hash = ?",
    );
  }

  list(): ApiKeyRecord[] {
    const sql = "SELECT id, name, role, key_hash AS keyHash FROM api_keys ORDER BY id";
    return (this.#database?.prepare(sql).all() ?? []) as unknown as ApiKeyRecord[];
  }

  findByHash(keyHash: string): ApiKeyRecord | undefined {
    return this.#byHash?.get(keyHash) as ApiKeyRecord | undefined;
  }

  get(id: string): ApiKeyRecord | undefined {
    return this.list().find((key) => key.id === id);
  }

  fold(event: StoredEvent): void {
    const known = toKnownEvent(event.type, event.data);
    if (known?.type === "sallyport.api-key.created") {
      const { id, name, role, keyHash } = known.data;
      this.#database
        ?.prepare("INSERT INTO api_keys VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .run(id, name, role, keyHash);
    } else if (known?.type === "sallyport.api-key.revoked") {
      this.#database?.prepare("DELETE FROM api_keys WHERE id = ?").run(known.data.id);
    }
  }
}
