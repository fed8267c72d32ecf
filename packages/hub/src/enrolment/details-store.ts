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
  /** Forgets them for good. */
  spend: () => void;
  /** Lets others open them again, if they were not spent. */
  release: () => void;
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
  /** What is being handed out, or was and could not be deleted. */
  readonly #held = new Set<string>();

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

  /**
   * Opens what the secret belongs to, for one at a time; undefined when it is unknown, used, too old, or opened by somebody at this
   * moment. The caller spends it, and releases it in any case.
   */
  open(secret: string): FoundDetails | undefined {
    const hash = hashSecret(secret);
    const row = this.#database.prepare("SELECT * FROM details WHERE secret_hash = ?").get(hash);
    if (row === undefined || Number(row["expires_at_ms"]) <= this.#options.now()) return undefined;
    if (this.#held.has(hash)) return undefined;
    this.#held.add(hash);
    let isSpent = false;
    let isForgotten = false;
    const sealed = row["sealed"] as Uint8Array;
    const opening = createDecipheriv(cipher, keyOf(secret), row["nonce"] as Uint8Array);
    opening.setAuthTag(sealed.subarray(-16));
    const text = Buffer.concat([opening.update(sealed.subarray(0, -16)), opening.final()]).toString("utf8");
    return {
      primaryId: String(row["primary_id"]),
      details: JSON.parse(text) as EndpointDetails,
      spend: () => {
        isSpent = true;
        this.drop(secret);
        isForgotten = true;
      },
      release: () => {
        // What could not be deleted stays held, so that it is not given twice.
        if (!isSpent || isForgotten) this.#held.delete(hash);
      },
    };
  }

  /** Forgets what the secret belongs to. */
  drop(secret: string): void {
    this.#database.prepare("DELETE FROM details WHERE secret_hash = ?").run(hashSecret(secret));
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
