import { randomUUID } from "node:crypto";
import { openDatabase, type Database } from "@sallyport/durable";
import type { Sealing } from "../secrets/sealing.ts";
import { newSecret } from "./signature.ts";

/** Secrets of one webhook that sign at a time; one more ends the one that would end first. */
const maxSecrets = 5;

/** What the secrets are kept in. */
export interface WebhookSecretsOptions {
  path: string;
  sealing: Sealing;
  /** Epoch ms. */
  now: () => number;
}

/**
 * The secrets of webhooks, sealed under the key of the hub's key file. They are not in the log because a log can't forget; here a row is
 * overwritten when it is deleted.
 */
export class WebhookSecrets implements Disposable {
  readonly #options: WebhookSecretsOptions;
  readonly #database: Database;

  constructor(options: WebhookSecretsOptions) {
    this.#options = options;
    this.#database = openDatabase({
      path: options.path,
      migrations: [
        `CREATE TABLE secrets (
           serial INTEGER PRIMARY KEY AUTOINCREMENT,
           id TEXT NOT NULL UNIQUE,
           webhook_id TEXT NOT NULL,
           sealed TEXT NOT NULL,
           expires_at_ms INTEGER
         ) STRICT;
         CREATE INDEX secrets_by_webhook ON secrets (webhook_id, serial);`,
      ],
    });
    this.#database.connection.exec("PRAGMA secure_delete=ON");
  }

  /**
   * Makes the secret that signs from now on; those before sign beside it until the overlap ends. On disk when this returns.
   * @param overlapMs 0 ends them at once
   */
  add(webhookId: string, overlapMs: number): string {
    const { sealing, now } = this.#options;
    const id = randomUUID();
    const secret = newSecret();
    const sealed = sealing.seal(secret, purposeOf(webhookId, id));
    const endsMs = now() + overlapMs;
    this.#database.transaction(() => {
      this.#database
        .prepare(
          "UPDATE secrets SET expires_at_ms = min(coalesce(expires_at_ms, ?1), ?1) WHERE webhook_id = ?2",
        )
        .run(endsMs, webhookId);
      this.#sweep(webhookId);
      this.#database
        .prepare(
          `DELETE FROM secrets WHERE serial IN (SELECT serial FROM secrets WHERE webhook_id = ?
           ORDER BY expires_at_ms DESC, serial DESC LIMIT -1 OFFSET ?)`,
        )
        .run(webhookId, maxSecrets - 1);
      this.#database
        .prepare("INSERT INTO secrets (id, webhook_id, sealed) VALUES (?, ?, ?)")
        .run(id, webhookId, sealed);
    });
    return secret;
  }

  /**
   * All secrets that sign now, newest first; what has expired is forgotten.
   * @throws HubError `unsealable` when the key file is not the one that they were sealed with
   */
  valid(webhookId: string): string[] {
    const { sealing, now } = this.#options;
    const rows = this.#database
      .prepare("SELECT id, sealed, expires_at_ms FROM secrets WHERE webhook_id = ? ORDER BY serial DESC")
      .all(webhookId) as { id: string; sealed: string; expires_at_ms: number | null }[];
    const nowMs = now();
    const valid = rows.filter(({ expires_at_ms: endsMs }) => endsMs === null || endsMs > nowMs);
    if (valid.length < rows.length) this.#sweep(webhookId);
    return valid.map(({ id, sealed }) => sealing.open(sealed, purposeOf(webhookId, id)));
  }

  /** Forgets all secrets of a webhook. */
  remove(webhookId: string): void {
    this.#database.prepare("DELETE FROM secrets WHERE webhook_id = ?").run(webhookId);
  }

  /** The webhooks that have secrets. */
  webhookIds(): string[] {
    const rows = this.#database.prepare("SELECT DISTINCT webhook_id AS id FROM secrets").all();
    return (rows as { id: string }[]).map(({ id }) => id);
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sweep(webhookId: string): void {
    this.#database
      .prepare("DELETE FROM secrets WHERE webhook_id = ? AND expires_at_ms <= ?")
      .run(webhookId, this.#options.now());
  }
}

function purposeOf(webhookId: string, id: string): string {
  return `webhook/${webhookId}/${id}`;
}
