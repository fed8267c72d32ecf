import { randomBytes } from "node:crypto";
import type { Database } from "@sallyport/durable";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { checkNewPassword, hashPassword, verifyPassword } from "./password.ts";

/** A user's name and password, as somebody gives them. */
export interface Credentials {
  userName: string;
  password: string;
}

/** Who may use the primary. */
export class Users {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #hashing = 0;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Makes the first user when there is none: the given one, or `admin` with a password of its own. When there are
   * users already, what is given changes nothing.
   * @throws PrimaryError `weak_password` when the given one is too short for the first user
   * @returns the user's name, and the password only when it was made here (it can't be read again)
   */
  async ensureFirstUser(given: Credentials | undefined): Promise<{ userName: string; password?: string }> {
    const found = this.#database.prepare("SELECT name FROM users ORDER BY rowid LIMIT 1").get();
    if (found !== undefined) return { userName: String(found["name"]) };
    if (given !== undefined) {
      await this.#add(given);
      return { userName: given.userName };
    }
    const made = { userName: "admin", password: randomBytes(18).toString("base64url") };
    await this.#add(made);
    return made;
  }

  /**
   * Whether a user with this password exists; it takes as long when there is no such user.
   * @throws PrimaryError `busy` when too many are being checked
   */
  async verify({ userName, password }: Credentials): Promise<boolean> {
    const row = this.#database.prepare("SELECT password_hash FROM users WHERE name = ?").get(userName);
    if (this.#waiting.length >= limits.maxWaitingHashes) {
      throw new PrimaryError("busy", "too many logins are being checked: try again later");
    }
    if (this.#hashing >= limits.maxConcurrentHashes) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#hashing += 1;
    try {
      if (row !== undefined) return await verifyPassword(password, String(row["password_hash"]));
      await hashPassword(password);
      return false;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#hashing -= 1;
      else next();
    }
  }

  /** When a user was made and has signed in last, epoch ms. */
  times(userName: string): { createdAtMs: number; lastLoginAtMs: number } {
    const row = this.#database.prepare("SELECT * FROM users WHERE name = ?").get(userName);
    return {
      createdAtMs: Number(row?.["created_at_ms"] ?? 0),
      lastLoginAtMs: Number(row?.["last_login_at_ms"] ?? 0),
    };
  }

  async #add({ userName, password }: Credentials): Promise<void> {
    checkNewPassword(password);
    const hash = await hashPassword(password);
    this.#database
      .prepare("INSERT INTO users (name, password_hash, created_at_ms) VALUES (?, ?, ?)")
      .run(userName, hash, this.#clock.nowMs());
  }
}
