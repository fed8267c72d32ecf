import type { Database } from "@sallyport/durable";
import type { StoredEvent } from "../log/log.ts";
import type { Role, Scope } from "../access/roles.ts";
import type { KnownEvent } from "../log/known-events.ts";
import type { View } from "./views.ts";

/** Somebody who signs in with a password. */
export interface UserRecord {
  id: string;
  login: string;
  name: string;
  role: Role;
  scope: Scope;
  disabled: boolean;
  passwordHash: string;
  /** ISO 8601. */
  createdAt: string;
  lastSignInAt: string | null;
}

/** The users. */
export class UsersView implements View {
  readonly schema = `CREATE TABLE users (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_sign_in_at TEXT
  ) STRICT;`;
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
  }

  /** All, by login. */
  list(): UserRecord[] {
    return ((this.#statements?.all.all() ?? []) as unknown as Row[]).map(toRecord);
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#statements?.any.get() === undefined;
  }

  get(id: string): UserRecord | undefined {
    const row = this.#statements?.byId.get(id);
    return row === undefined ? undefined : toRecord(row as unknown as Row);
  }

  /** By login, in capitals or not. */
  findByLogin(login: string): UserRecord | undefined {
    const row = this.#statements?.byLogin.get(login);
    return row === undefined ? undefined : toRecord(row as unknown as Row);
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    switch (known?.type) {
      case "sallyport.user.created": {
        const { id, login, name, role, scope, passwordHash } = known.data;
        const text = JSON.stringify(scope);
        this.#statements?.insert.run(id, login, name, role, text, passwordHash, event.time);
        break;
      }
      case "sallyport.user.changed": {
        const { id, name, role, scope, disabled } = known.data;
        this.#statements?.change.run(name, role, JSON.stringify(scope), disabled ? 1 : 0, id);
        break;
      }
      case "sallyport.user.password-set":
        this.#statements?.setPassword.run(known.data.passwordHash, known.data.id);
        break;
      case "sallyport.user.signed-in":
        this.#statements?.signedIn.run(event.time, known.data.id);
        break;
      case "sallyport.user.deleted":
        this.#statements?.remove.run(known.data.id);
        break;
      default:
        break;
    }
  }
}

function prepare(database: Database) {
  return {
    all: database.prepare("SELECT * FROM users ORDER BY login COLLATE NOCASE"),
    any: database.prepare("SELECT 1 FROM users LIMIT 1"),
    byId: database.prepare("SELECT * FROM users WHERE id = ?"),
    byLogin: database.prepare("SELECT * FROM users WHERE login = ?"),
    insert: database.prepare(
      "INSERT INTO users VALUES (?, ?, ?, ?, ?, 0, ?, ?, NULL) ON CONFLICT DO NOTHING",
    ),
    change: database.prepare("UPDATE users SET name = ?, role = ?, scope = ?, disabled = ? WHERE id = ?"),
    setPassword: database.prepare("UPDATE users SET password_hash = ? WHERE id = ?"),
    signedIn: database.prepare("UPDATE users SET last_sign_in_at = ? WHERE id = ?"),
    remove: database.prepare("DELETE FROM users WHERE id = ?"),
  };
}

interface Row {
  id: string;
  login: string;
  name: string;
  role: Role;
  scope: string;
  disabled: number;
  password_hash: string;
  created_at: string;
  last_sign_in_at: string | null;
}

function toRecord(row: Row): UserRecord {
  const { id, login, name, role, scope } = row;
  return {
    id,
    login,
    name,
    role,
    scope: JSON.parse(scope) as Scope,
    disabled: row.disabled !== 0,
    passwordHash: row.password_hash,
    createdAt: row.created_at,
    lastSignInAt: row.last_sign_in_at,
  };
}
