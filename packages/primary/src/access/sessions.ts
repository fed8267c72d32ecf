import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomUUID,
  type KeyObject,
} from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeFileDurably, type Database } from "@sallyport/durable";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";

/** Who makes a request. */
export interface Principal {
  userName: string;
  /** Empty when an API key does. */
  sessionId: string;
}

/** A session that has begun and not ended. */
export interface Session extends Principal {
  /** Epoch ms. */
  signedInAtMs: number;
  expiresAtMs: number;
}

/** Loaded with the first token: until somebody logs in it would only take memory. */
const jose = () => import("jose");

const algorithm = "RS256";
const issuer = "sallyport-primary";
const audience = "netbackup";

/** Sessions: a signed JWT for the client, and a row that ends it before its time. */
export class Sessions {
  /** PEM of the key that verifies the tokens. */
  readonly publicKeyPem: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #database: Database;
  readonly #clock: Clock;
  /** Tokens whose signature was found good, by their hash: that costs more than the rest of a small request. */
  readonly #verified = new Map<string, { sessionId: string; expiresAtS: number }>();

  private constructor(privateKey: KeyObject, database: Database, clock: Clock) {
    this.#privateKey = privateKey;
    this.#publicKey = createPublicKey(privateKey);
    this.publicKeyPem = this.#publicKey.export({ type: "spki", format: "pem" }).toString();
    this.#database = database;
    this.#clock = clock;
  }

  /** Loads the signing key of a data folder (`token.key`, mode 0600), and makes it when missing. */
  static async open(dataDir: string, database: Database, clock: Clock): Promise<Sessions> {
    const file = join(dataDir, "token.key");
    let pem: string;
    try {
      pem = await readFile(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      const pair = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
      pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      await writeFileDurably(file, pem, 0o600);
    }
    return new Sessions(createPrivateKey(pem), database, clock);
  }

  /** Begins a session and answers its token. */
  async begin(userName: string): Promise<string> {
    const nowMs = this.#clock.nowMs();
    const sessionId = randomUUID();
    const issuedAtS = Math.floor(nowMs / 1000);
    const expiresAtS = issuedAtS + limits.sessionSeconds;
    this.#database.transaction(() => {
      this.#database.prepare("DELETE FROM sessions WHERE expires_at_ms <= ?").run(nowMs);
      this.#database
        .prepare(
          "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
        )
        .run(limits.maxSessions - 1);
      this.#database
        .prepare("INSERT INTO sessions (id, user_name, expires_at_ms, signed_in_at_ms) VALUES (?, ?, ?, ?)")
        .run(sessionId, userName, expiresAtS * 1000, nowMs);
      this.#database.prepare("UPDATE users SET last_login_at_ms = ? WHERE name = ?").run(nowMs, userName);
    });
    const { SignJWT } = await jose();
    return new SignJWT({ user_name: userName, token_type: "SESSION" })
      .setProtectedHeader({ alg: algorithm })
      .setJti(sessionId)
      .setSubject(userName)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issuedAtS)
      .setExpirationTime(expiresAtS)
      .sign(this.#privateKey);
  }

  /**
   * Tells whose token it is.
   * @throws PrimaryError `unauthenticated` when it is none of ours, has expired or was logged out
   */
  async authenticate(token: string): Promise<Principal> {
    const sessionId = await this.#verify(token);
    const row = this.#database.prepared("SELECT user_name FROM sessions WHERE id = ?").get(sessionId);
    if (row !== undefined) return { userName: String(row["user_name"]), sessionId };
    throw new PrimaryError("unauthenticated", "the session has ended: log in again");
  }

  /** Answers the session that a token of ours names, which may have ended since. */
  async #verify(token: string): Promise<string> {
    const nowMs = this.#clock.nowMs();
    const hash = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(hash);
    if (known !== undefined && known.expiresAtS > Math.floor(nowMs / 1000)) return known.sessionId;
    const { jwtVerify } = await jose();
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: [algorithm],
        issuer,
        audience,
        currentDate: new Date(nowMs),
        requiredClaims: ["jti", "exp"],
      });
      const { jti: sessionId = "", exp: expiresAtS = 0 } = payload;
      this.#verified.set(hash, { sessionId, expiresAtS });
      const [oldest] = this.#verified.keys();
      if (this.#verified.size > limits.maxVerifiedTokens && oldest !== undefined)
        this.#verified.delete(oldest);
      return sessionId;
    } catch (error) {
      throw new PrimaryError("unauthenticated", "the token is not valid: log in again", { cause: error });
    }
  }

  /** A session that is valid now; undefined when there is none. */
  find(sessionId: string): Session | undefined {
    return this.list().find((session) => session.sessionId === sessionId);
  }

  /** The sessions that are valid now, oldest first. */
  list(): Session[] {
    const rows = this.#database
      .prepare("SELECT * FROM sessions WHERE expires_at_ms > ? ORDER BY rowid")
      .all(this.#clock.nowMs());
    return rows.map(sessionFromRow);
  }

  /** Ends every session at once. */
  endAll(): void {
    this.#database.prepare("DELETE FROM sessions").run();
  }

  /** Ends a session at once. */
  end(sessionId: string): void {
    this.#database.prepare("DELETE FROM sessions WHERE id = ?").run(sessionId);
  }
}

/** Reads a row of the sessions' table. */
export function sessionFromRow(row: Readonly<Record<string, unknown>>): Session {
  return {
    userName: String(row["user_name"]),
    sessionId: String(row["id"]),
    signedInAtMs: Number(row["signed_in_at_ms"]),
    expiresAtMs: Number(row["expires_at_ms"]),
  };
}
