import { createHash, randomBytes } from "node:crypto";
import type { Database } from "@sallyport/durable";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";

/** What is kept of an API key; the key itself is not. */
export interface ApiKey {
  /** Names it; public. */
  tag: string;
  userName: string;
  description: string;
  /** Epoch ms, as all times here. */
  createdAtMs: number;
  expiresAtMs: number;
  modifiedAtMs: number;
  isRevoked: boolean;
}

const tagBytes = 8;
const secretCharacters = 53;

/** API keys: each stands for a user until it expires or is revoked. Each user has one at most. */
export class ApiKeys {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Makes a key, which can't be read again.
   * @throws PrimaryError `already_exists` when the user has one that is valid, `invalid_request` for an unknown user
   */
  create(key: { userName: string; description: string; days: number }): { key: string; kept: ApiKey } {
    const nowMs = this.#clock.nowMs();
    return this.#database.transaction(() => {
      if (this.#database.prepare("SELECT 1 FROM users WHERE name = ?").get(key.userName) === undefined) {
        throw new PrimaryError("invalid_request", `there is no user "${key.userName}"`);
      }
      this.#database
        .prepare("DELETE FROM api_keys WHERE user_name = ? AND (expires_at_ms <= ? OR revoked = 1)")
        .run(key.userName, nowMs);
      if (
        this.#database.prepare("SELECT 1 FROM api_keys WHERE user_name = ?").get(key.userName) !== undefined
      ) {
        throw new PrimaryError(
          "already_exists",
          `the user "${key.userName}" has an API key already: delete it or reissue it`,
        );
      }
      const { tag, secret } = makeKey();
      this.#database
        .prepare(
          "INSERT INTO api_keys (tag, user_name, key_hash, description, created_at_ms, expires_at_ms, modified_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .run(tag, key.userName, hash(secret), key.description, nowMs, expiry(nowMs, key.days), nowMs);
      return { key: secret, kept: this.get(tag) };
    });
  }

  /** @throws PrimaryError `not_found` */
  get(tag: string): ApiKey {
    const row = this.#database.prepare("SELECT * FROM api_keys WHERE tag = ?").get(tag);
    if (row === undefined) throw new PrimaryError("not_found", `there is no API key "${tag}"`);
    return apiKeyFromRow(row);
  }

  /** Whether there is such a key, valid or not. */
  exists(tag: string): boolean {
    return this.#database.prepare("SELECT 1 FROM api_keys WHERE tag = ?").get(tag) !== undefined;
  }

  /** Changes description or validity, which counts from now. */
  change(tag: string, change: { description?: string | undefined; days?: number | undefined }): void {
    const nowMs = this.#clock.nowMs();
    const { description, expiresAtMs } = this.get(tag);
    this.#database
      .prepare("UPDATE api_keys SET description = ?, expires_at_ms = ?, modified_at_ms = ? WHERE tag = ?")
      .run(
        change.description ?? description,
        change.days === undefined ? expiresAtMs : expiry(nowMs, change.days),
        nowMs,
        tag,
      );
  }

  /** Ends a key for good, and keeps what is known of it. */
  revoke(tag: string, description: string | undefined): void {
    const found = this.get(tag);
    this.#database
      .prepare("UPDATE api_keys SET revoked = 1, description = ?, modified_at_ms = ? WHERE tag = ?")
      .run(description ?? found.description, this.#clock.nowMs(), tag);
  }

  delete(tag: string): void {
    this.get(tag);
    this.#database.prepare("DELETE FROM api_keys WHERE tag = ?").run(tag);
  }

  /** Makes a new key in the place of one, which ends at once. */
  reissue(
    tag: string,
    change: { description?: string | undefined; days: number },
  ): { key: string; kept: ApiKey } {
    return this.#database.transaction(() => {
      const { userName, description } = this.get(tag);
      this.delete(tag);
      return this.create({ userName, description: change.description ?? description, days: change.days });
    });
  }

  /** Whose key it is; undefined when it is none, has expired or was revoked. */
  userOf(key: string): string | undefined {
    const row = this.#database
      .prepare("SELECT user_name FROM api_keys WHERE key_hash = ? AND expires_at_ms > ? AND revoked = 0")
      .get(hash(key), this.#clock.nowMs());
    return row === undefined ? undefined : String(row["user_name"]);
  }
}

/** Reads a row of the API keys' table. */
export function apiKeyFromRow(row: Readonly<Record<string, unknown>>): ApiKey {
  return {
    tag: String(row["tag"]),
    userName: String(row["user_name"]),
    description: String(row["description"]),
    createdAtMs: Number(row["created_at_ms"]),
    expiresAtMs: Number(row["expires_at_ms"]),
    modifiedAtMs: Number(row["modified_at_ms"]),
    isRevoked: row["revoked"] === 1,
  };
}

/** NetBackup's forms: a tag of base64, and a key that begins like it. A tag is a part of paths, so it has no slash. */
function makeKey(): { tag: string; secret: string } {
  for (;;) {
    const tag = randomBytes(tagBytes).toString("base64");
    if (/[+/]/.test(tag)) continue;
    const rest = randomBytes(secretCharacters).toString("base64url").slice(0, secretCharacters);
    return { tag, secret: `${tag.replaceAll("=", "")}${rest}` };
  }
}

/** The key has more than 300 bits of chance, so a plain hash can't be tried out. */
function hash(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

function expiry(nowMs: number, days: number): number {
  return nowMs + days * 86_400_000;
}
