import { openDatabase, type Database } from "@sallyport/durable";
import type { Sealing } from "../secrets/sealing.ts";

/** What the hub logs in with at a primary. */
export type NetBackupCredential =
  | {
      userName: string;
      password: string;
      domainName?: string | undefined;
      domainType?: string | undefined;
    }
  | { apiKey: string };

/** What may be told of a stored credential. */
export interface CredentialFacts {
  kind: "password" | "api-key";
  userName: string | null;
  domainName: string | null;
  domainType: string | null;
  setAt: string;
  setBy: string;
}

interface Row {
  kind: CredentialFacts["kind"];
  user_name: string | null;
  domain_name: string | null;
  domain_type: string | null;
  set_at: string;
  set_by: string;
  sealed: string;
}

/**
 * The NetBackup credentials of primaries, sealed under the key of the hub's key file. They are not in the log because a log
 * can't forget; here a row is overwritten when it is deleted.
 */
export class CredentialStore implements Disposable {
  readonly #database: Database;
  readonly #sealing: Sealing;

  constructor(path: string, sealing: Sealing) {
    this.#sealing = sealing;
    this.#database = openDatabase({
      path,
      migrations: [
        `CREATE TABLE credentials (
           primary_id TEXT PRIMARY KEY,
           kind TEXT NOT NULL,
           user_name TEXT,
           domain_name TEXT,
           domain_type TEXT,
           set_at TEXT NOT NULL,
           set_by TEXT NOT NULL,
           sealed TEXT NOT NULL
         ) STRICT;`,
      ],
    });
    this.#database.connection.exec("PRAGMA secure_delete=ON");
  }

  /** Keeps a credential; it replaces the one before. */
  put(primaryId: string, credential: NetBackupCredential, set: { at: string; by: string }): void {
    const sealed = this.#sealing.seal(JSON.stringify(credential), purposeOf(primaryId));
    const login = "apiKey" in credential ? undefined : credential;
    this.#database
      .prepare("INSERT OR REPLACE INTO credentials VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .run(
        primaryId,
        login === undefined ? "api-key" : "password",
        login?.userName ?? null,
        login?.domainName ?? null,
        login?.domainType ?? null,
        set.at,
        set.by,
        sealed,
      );
  }

  /** What may be told of a primary's credential; undefined when there is none. */
  facts(primaryId: string): CredentialFacts | undefined {
    const row = this.#row(primaryId);
    if (row === undefined) return undefined;
    return {
      kind: row.kind,
      userName: row.user_name,
      domainName: row.domain_name,
      domainType: row.domain_type,
      setAt: row.set_at,
      setBy: row.set_by,
    };
  }

  /** The ids of the primaries that have one. */
  primaryIds(): string[] {
    const rows = this.#database.prepare("SELECT primary_id AS id FROM credentials").all() as { id: string }[];
    return rows.map(({ id }) => id);
  }

  /**
   * The credential itself.
   * @throws HubError `unsealable` when the key file is not the one that it was sealed with
   */
  open(primaryId: string): NetBackupCredential | undefined {
    const row = this.#row(primaryId);
    if (row === undefined) return undefined;
    return JSON.parse(this.#sealing.open(row.sealed, purposeOf(primaryId))) as NetBackupCredential;
  }

  /** Forgets a primary's credential; false when there was none. */
  remove(primaryId: string): boolean {
    const { changes } = this.#database.prepare("DELETE FROM credentials WHERE primary_id = ?").run(primaryId);
    return Number(changes) > 0;
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #row(primaryId: string): Row | undefined {
    const row = this.#database.prepare("SELECT * FROM credentials WHERE primary_id = ?").get(primaryId);
    return row as unknown as Row | undefined;
  }
}

function purposeOf(primaryId: string): string {
  return `credential/${primaryId}`;
}
