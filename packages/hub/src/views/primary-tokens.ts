import type { Database } from "@sallyport/durable";
import { tokenIdOf } from "../enrolment/token.ts";
import type { KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "./views.ts";

/** What a primary may connect to: one of the hub's public addresses, in a server group. */
export interface EndpointRecord {
  groupId: string;
  /** Lower is preferred. */
  priority: number;
  /** Null for the hub's main address. */
  address: string | null;
}

/** A token of a primary, without the token. */
export interface TokenRecord extends EndpointRecord {
  id: string;
  primaryId: string;
  /** SHA-256, hex. */
  tokenHash: string;
  createdAt: string;
  /** When its overlap ends; null for one without a successor. */
  expiresAt: string | null;
  endedAt: string | null;
  endedWhy: "revoked" | "expired" | null;
}

/** Whether a token may be used at a moment. */
export function isGood({ endedAt, expiresAt }: TokenRecord, nowMs: number): boolean {
  return endedAt === null && (expiresAt === null || Date.parse(expiresAt) > nowMs);
}

/** Ended tokens of each primary that are remembered, so that one who still uses them is recognised. */
const keptEnded = 8;

const selectTokens = `SELECT t.id, t.primary_id AS primaryId, t.group_id AS groupId, t.address, e.priority,
    t.token_hash AS tokenHash, t.created_at AS createdAt, t.expires_at AS expiresAt, t.ended_at AS endedAt,
    t.ended_why AS endedWhy
  FROM primary_tokens AS t JOIN primary_endpoints AS e
    ON e.primary_id = t.primary_id AND e.group_id = t.group_id AND e.address = COALESCE(t.address, '')`;

/** The endpoints that primaries were given, and the tokens for them. */
export class PrimaryTokensView implements View {
  readonly schema = `CREATE TABLE primary_endpoints (
    primary_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    address TEXT NOT NULL,
    priority INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (primary_id, group_id, address)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE primary_tokens (
    id TEXT PRIMARY KEY,
    primary_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    address TEXT,
    token_hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    ended_at TEXT,
    ended_why TEXT,
    position INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX primary_tokens_by_primary ON primary_tokens (primary_id, position);
  CREATE INDEX primary_tokens_by_expiry ON primary_tokens (expires_at) WHERE ended_at IS NULL AND expires_at IS NOT NULL;`;
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
  }

  /** The token of this hash, also one that has ended. */
  findByHash(tokenHash: string): TokenRecord | undefined {
    return this.#sql.byHash.get(tokenHash) as unknown as TokenRecord | undefined;
  }

  /** The token of this id, also one that has ended. */
  get(tokenId: string): TokenRecord | undefined {
    return this.#sql.byId.get(tokenId) as unknown as TokenRecord | undefined;
  }

  /** A primary's tokens that have not ended, the oldest first. */
  listOf(primaryId: string): TokenRecord[] {
    return this.#sql.ofPrimary.all(primaryId) as unknown as TokenRecord[];
  }

  /** A primary's endpoints, in the order in which they were added. */
  endpointsOf(primaryId: string): EndpointRecord[] {
    const rows = this.#sql.endpoints.all(primaryId) as unknown as (EndpointRecord & { address: string })[];
    return rows.map((row) => ({ ...row, address: row.address === "" ? null : row.address }));
  }

  /** Tokens whose overlap is over at a moment (ISO 8601) and that have not been ended yet. */
  dueBy(time: string): TokenRecord[] {
    return this.#sql.due.all(time) as unknown as TokenRecord[];
  }

  /** When the next overlap ends, ISO 8601. */
  nextExpiry(): string | undefined {
    const row = this.#sql.nextExpiry.get();
    return row?.["at"] === null || row === undefined ? undefined : String(row["at"]);
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    switch (known?.type) {
      case "sallyport.primary.enrolled":
      case "sallyport.primary.endpoint.added": {
        const { id, groupId, address, priority, tokenHash } = known.data;
        if (known.type !== "sallyport.primary.enrolled" && !this.#isEnrolled(id)) return;
        this.#sql.putEndpoint.run(id, groupId, address ?? "", priority, event.position);
        this.#addToken(event, { id, groupId, address, tokenHash });
        return;
      }
      case "sallyport.primary.token.rotated": {
        const { id, replaced, expiresAt } = known.data;
        if (!this.#isEnrolled(id)) return;
        for (const tokenId of replaced) this.#sql.expire.run(expiresAt, expiresAt, tokenId, id);
        this.#addToken(event, known.data);
        return;
      }
      case "sallyport.primary.token.ended": {
        const { id, tokenId, why } = known.data;
        this.#sql.end.run(event.time, why, tokenId, id);
        this.#sql.forget.run(id, id, keptEnded);
        return;
      }
      case "sallyport.primary.deleted":
        this.#sql.removeTokens.run(known.data.id);
        this.#sql.removeEndpoints.run(known.data.id);
        return;
      default:
    }
  }

  #isEnrolled(id: string): boolean {
    return this.#sql.endpoints.get(id) !== undefined;
  }

  #addToken(
    { time, position }: StoredEvent,
    token: { id: string; groupId: string; address: string | null; tokenHash: string },
  ): void {
    const { id, groupId, address, tokenHash } = token;
    this.#sql.addToken.run(tokenIdOf(tokenHash), id, groupId, address, tokenHash, time, position);
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

function prepare(database: Database) {
  return {
    byHash: database.prepare(`${selectTokens} WHERE t.token_hash = ?`),
    byId: database.prepare(`${selectTokens} WHERE t.id = ?`),
    ofPrimary: database.prepare(
      `${selectTokens} WHERE t.primary_id = ? AND t.ended_at IS NULL ORDER BY t.position`,
    ),
    due: database.prepare(
      `${selectTokens} WHERE t.ended_at IS NULL AND t.expires_at <= ? ORDER BY t.expires_at, t.id`,
    ),
    nextExpiry: database.prepare(
      "SELECT MIN(expires_at) AS at FROM primary_tokens WHERE ended_at IS NULL AND expires_at IS NOT NULL",
    ),
    endpoints: database.prepare(
      `SELECT group_id AS groupId, address, priority FROM primary_endpoints WHERE primary_id = ? ORDER BY position, group_id, address`,
    ),
    putEndpoint: database.prepare(
      `INSERT INTO primary_endpoints VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET priority = excluded.priority`,
    ),
    addToken: database.prepare(
      `INSERT INTO primary_tokens VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, ?) ON CONFLICT DO NOTHING`,
    ),
    expire: database.prepare(
      `UPDATE primary_tokens SET expires_at = MIN(COALESCE(expires_at, ?), ?)
       WHERE id = ? AND primary_id = ? AND ended_at IS NULL`,
    ),
    end: database.prepare(
      `UPDATE primary_tokens SET ended_at = ?, ended_why = ? WHERE id = ? AND primary_id = ? AND ended_at IS NULL`,
    ),
    forget: database.prepare(
      `DELETE FROM primary_tokens WHERE primary_id = ? AND ended_at IS NOT NULL AND id NOT IN (
         SELECT id FROM primary_tokens WHERE primary_id = ? AND ended_at IS NOT NULL
         ORDER BY ended_at DESC, position DESC LIMIT ?)`,
    ),
    removeTokens: database.prepare("DELETE FROM primary_tokens WHERE primary_id = ?"),
    removeEndpoints: database.prepare("DELETE FROM primary_endpoints WHERE primary_id = ?"),
  };
}
