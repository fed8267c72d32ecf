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
}

/** The API keys that are good. */
export class ApiKeysView implements View {
  readonly schema = `CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE
  ) STRICT;`;
  readonly #remembered = new Remembered<ApiKeyRecord>();
  #database: Database | undefined;
  #byHash: ReturnType<Database["prepare"]> | undefined;

  attach(database: Database): void {
    this.#database = database;
    this.#byHash = database.prepare("SELECT * FROM api_keys WHERE key_hash = ?");
  }

  list(): ApiKeyRecord[] {
    const rows = this.#database?.prepare("SELECT * FROM api_keys ORDER BY id").all() ?? [];
    return (rows as unknown as Row[]).map(toRecord);
  }

  findByHash(keyHash: string): ApiKeyRecord | undefined {
    return this.#remembered.get(keyHash, (keyHash) => {
      const row = this.#byHash?.get(keyHash);
      return row === undefined ? undefined : toRecord(row as unknown as Row);
    });
  }

  get(id: string): ApiKeyRecord | undefined {
    return this.list().find((key) => key.id === id);
  }

  fold(_event: StoredEvent, known: KnownEvent | undefined): void {
    if (known?.type.startsWith("sallyport.api-key.") === true) this.#remembered.forgetAll();
    if (known?.type === "sallyport.api-key.created") {
      const { id, name, role, scope, keyHash } = known.data;
      this.#database
        ?.prepare("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .run(id, name, role, JSON.stringify(scope), keyHash);
    } else if (known?.type === "sallyport.api-key.revoked") {
      this.#database?.prepare("DELETE FROM api_keys WHERE id = ?").run(known.data.id);
    }
  }
}

interface Row {
  id: string;
  name: string;
  role: Role;
  scope: string;
  key_hash: string;
}

function toRecord({ id, name, role, scope, key_hash: keyHash }: Row): ApiKeyRecord {
  return { id, name, role, scope: JSON.parse(scope) as Scope, keyHash };
}
