import { openDatabase, type Database } from "@sallyport/durable";
import type { CommandAnswer } from "@sallyport/nbwss";
import type { Sealing } from "../secrets/sealing.ts";

/** How far the first request with a key has come. */
export type IdempotencyState = "running" | "done" | "unknown";

/** What is known of a key. */
export interface IdempotencyRecord {
  state: IdempotencyState;
  /** Of method, path and body. */
  requestHash: string;
  /** When the first request with the key came, epoch ms. */
  begunAtMs: number;
  answer: CommandAnswer | undefined;
}

interface Row {
  created_at_ms: number;
  state: IdempotencyState;
  request_hash: string;
  sealed_answer: string | null;
}

/**
 * Idempotency keys with the answers that they stand for, sealed since answers may hold tokens. What was running when the hub ended is
 * `unknown` from then on.
 */
export class IdempotencyStore implements Disposable {
  readonly #database: Database;
  readonly #sealing: Sealing;
  readonly #maxKeys: number;

  constructor(path: string, sealing: Sealing, maxKeys: number) {
    this.#sealing = sealing;
    this.#maxKeys = maxKeys;
    this.#database = openDatabase({
      path,
      migrations: [
        `CREATE TABLE keys (
           key_hash TEXT PRIMARY KEY,
           request_hash TEXT NOT NULL,
           state TEXT NOT NULL,
           created_at_ms INTEGER NOT NULL,
           sealed_answer TEXT
         ) STRICT;
         CREATE INDEX keys_by_age ON keys (created_at_ms);`,
      ],
    });
    this.#database.connection.exec("PRAGMA secure_delete=ON");
    this.#database.prepare("UPDATE keys SET state = 'unknown' WHERE state = 'running'").run();
  }

  /** What is kept of a request: its body may hold a password. */
  fingerprint(request: string): string {
    return this.#sealing.fingerprint(request);
  }

  find(keyHash: string): IdempotencyRecord | undefined {
    const row = this.#database.prepare("SELECT * FROM keys WHERE key_hash = ?").get(keyHash) as unknown as
      | Row
      | undefined;
    if (row === undefined) return undefined;
    const { state, request_hash: requestHash, created_at_ms: begunAtMs, sealed_answer: sealed } = row;
    const answer =
      sealed === null ? undefined : (JSON.parse(this.#sealing.open(sealed, keyHash)) as CommandAnswer);
    return { state, requestHash, begunAtMs, answer };
  }

  /** Notes that a request with this key is about to be made; on disk when this returns. Older keys than `sinceMs` are forgotten. */
  begin(keyHash: string, requestHash: string, atMs: number, sinceMs: number): void {
    this.#database.transaction(() => {
      this.#database.prepare("DELETE FROM keys WHERE created_at_ms < ?").run(sinceMs);
      // At the bound the oldest key is forgotten.
      this.#database
        .prepare(
          `DELETE FROM keys WHERE key_hash IN (SELECT key_hash FROM keys ORDER BY created_at_ms LIMIT
           max(0, (SELECT count(*) FROM keys) - ?))`,
        )
        .run(this.#maxKeys - 1);
      this.#database
        .prepare("INSERT INTO keys VALUES (?, ?, 'running', ?, NULL)")
        .run(keyHash, requestHash, atMs);
    });
  }

  /** Keeps the answer; on disk when this returns. */
  finish(keyHash: string, answer: CommandAnswer): void {
    const sealed = this.#sealing.seal(JSON.stringify(answer), keyHash);
    this.#database
      .prepare("UPDATE keys SET state = 'done', sealed_answer = ? WHERE key_hash = ?")
      .run(sealed, keyHash);
  }

  /** Nobody knows whether it was carried out. */
  lose(keyHash: string): void {
    this.#database.prepare("UPDATE keys SET state = 'unknown' WHERE key_hash = ?").run(keyHash);
  }

  /** It was not carried out: the same key may be used again. */
  forget(keyHash: string): void {
    this.#database.prepare("DELETE FROM keys WHERE key_hash = ?").run(keyHash);
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
