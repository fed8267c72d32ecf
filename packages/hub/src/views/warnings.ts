import type { Database } from "@sallyport/durable";
import type { KnownData, KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "./views.ts";

/** What somebody should look at, until it is acknowledged or mended. */
export interface WarningRecord {
  kind: "token_shared";
  /** When it was last noticed, ISO 8601. */
  time: string;
  groupId: string;
  tokenId: string;
  /** From where the token was used. */
  addresses: string[];
  sign: KnownData<"sallyport.primary.token.shared">["sign"];
}

const shared = "sallyport.primary.token.shared";

/** Warnings about primaries: one of a kind for each. */
export class WarningsView implements View {
  readonly schema = `CREATE TABLE primary_warnings (
    primary_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    time TEXT NOT NULL,
    group_id TEXT NOT NULL,
    token_id TEXT NOT NULL,
    addresses TEXT NOT NULL,
    sign TEXT NOT NULL,
    PRIMARY KEY (primary_id, kind)
  ) STRICT, WITHOUT ROWID;`;
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
  }

  listOf(primaryId: string): WarningRecord[] {
    const rows = this.#sql.ofPrimary.all(primaryId) as unknown as (WarningRecord & { addresses: string })[];
    return rows.map((row) => ({ ...row, addresses: JSON.parse(row.addresses) as string[] }));
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    switch (known?.type) {
      case shared: {
        const { id, groupId, tokenId, addresses, sign } = known.data;
        const { position, time } = event;
        const row = [id, "token_shared", position, time, groupId, tokenId, JSON.stringify(addresses), sign];
        this.#sql.put.run(...row, id);
        return;
      }
      // A new token for the endpoint is the remedy: who has the old one loses it when the overlap ends.
      case "sallyport.primary.token.rotated":
        for (const tokenId of known.data.replaced) this.#sql.removeOfToken.run(known.data.id, tokenId);
        return;
      case "sallyport.primary.token.ended":
        this.#sql.removeOfToken.run(known.data.id, known.data.tokenId);
        return;
      case "sallyport.primary.warning.acknowledged":
        this.#sql.remove.run(known.data.id, known.data.kind);
        return;
      case "sallyport.primary.deleted":
        this.#sql.removeAll.run(known.data.id);
        return;
      case "sallyport.log.trimmed":
        if (known.data.types.includes(shared)) this.#sql.trim.run(known.data.before);
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
    ofPrimary: database.prepare(
      `SELECT kind, time, group_id AS groupId, token_id AS tokenId, addresses, sign
       FROM primary_warnings WHERE primary_id = ? ORDER BY kind`,
    ),
    put: database.prepare(
      `INSERT OR REPLACE INTO primary_warnings SELECT ?, ?, ?, ?, ?, ?, ?, ?
       WHERE EXISTS (SELECT 1 FROM primaries WHERE id = ?)`,
    ),
    removeOfToken: database.prepare("DELETE FROM primary_warnings WHERE primary_id = ? AND token_id = ?"),
    remove: database.prepare("DELETE FROM primary_warnings WHERE primary_id = ? AND kind = ?"),
    removeAll: database.prepare("DELETE FROM primary_warnings WHERE primary_id = ?"),
    trim: database.prepare("DELETE FROM primary_warnings WHERE position < ?"),
  };
}
