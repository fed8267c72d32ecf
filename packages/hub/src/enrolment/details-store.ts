import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { openDatabase, type Database } from "@sallyport/durable";
import { hashSecret } from "../access/secret.ts";

/** What an administrator adds on the primary (NBWSS, roles). */
export interface EndpointDetails {
  token: string;
  /** Lower is preferred. */
  priority: number;
  groupId: string;
  hostName: string;
  url: string;
}

/** What was found behind a secret. */
export interface FoundDetails {
  primaryId: string;
  details: EndpointDetails;
}

/** What the store is made of. */
export interface DetailsStoreOptions {
  path: string;
  lifetimeMs: number;
  /** Epoch ms. */
  now: () => number;
}

const cipher = "aes-256-gcm";

/**
 * Endpoint details that wait to be fetched, once. The token in them is readable only with the secret of the URL:
 * the key is derived from it, and of it only the hash is kept. They are not in the log because a log can't forget; here a
 * row is overwritten when it is deleted.
 */
export class DetailsStore implements Disposable {
  readonly #database: Database;
  readonly #options: DetailsStoreOptions;

  constructor(options: DetailsStoreOptions) {
    this.#options = options;
    this.#database = openDatabase({
      path: options.path,
      migrations: [
        `CREATE TABLE details (
           secret_hash TEXT PRIMARY KEY,
           primary_id TEXT NOT NULL,
           expires_at_ms INTEGER NOT NULL,
           nonce BLOB NOT NULL,
           sealed BLOB NOT NULL
         ) STRICT;`,
      ],
    });
    this.#database.connection.exec("PRAGMA secure_delete=ON");
  }

  /** Keeps details sealed and returns the secret that opens them, once. */
  put(primaryId: string, details: EndpointDetails): string {
    const { lifetimeMs, now } = this.#options;
    const secret = randomBytes(32).toString("base64url");
    const nonce = randomBytes(12);
    const sealing = createCipheriv(cipher, keyOf(secret), nonce);
    const text = sealing.update(JSON.stringify(details), "utf8");
    const sealed = Buffer.concat([text, sealing.final(), sealing.getAuthTag()]);
    this.#database.transaction(() => {
      this.#database.prepare("DELETE FROM details WHERE expires_at_ms <= ?").run(now());
      this.#database
        .prepare("INSERT INTO details VALUES (?, ?, ?, ?, ?)")
        .run(hashSecret(secret), primaryId, now() + lifetimeMs, nonce, sealed);
    });
    return secret;
  }

  /** Opens what the secret belongs to and forgets it; undefined when it is unknown, used or too old. */
  take(secret: string): FoundDetails | undefined {
    const row = this.#database
      .prepare("DELETE FROM details WHERE secret_hash = ? RETURNING *")
      .get(hashSecret(secret));
    if (row === undefined || Number(row["expires_at_ms"]) <= this.#options.now()) return undefined;
    const sealed = row["sealed"] as Uint8Array;
    const opening = createDecipheriv(cipher, keyOf(secret), row["nonce"] as Uint8Array);
    opening.setAuthTag(sealed.subarray(-16));
    const text = Buffer.concat([opening.update(sealed.subarray(0, -16)), opening.final()]).toString("utf8");
    return { primaryId: String(row["primary_id"]), details: JSON.parse(text) as EndpointDetails };
  }

  /** Forgets what waits for a primary. */
  dropFor(primaryId: string): void {
    this.#database.prepare("DELETE FROM details WHERE primary_id = ?").run(primaryId);
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", "sallyport endpoint details", 32));
}
