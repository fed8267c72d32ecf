import { argon2, randomBytes, timingSafeEqual, type Argon2Parameters } from "node:crypto";
import { promisify } from "node:util";
import { HubError } from "../errors.ts";

/** What one hash costs, in argon2's words. */
export interface PasswordCost {
  memoryKiB: number;
  passes: number;
}

/**
 * Above what OWASP asks for (19 MiB, 2 passes, one lane): about 0.1 s of one core.
 */
const defaultCost: PasswordCost = { memoryKiB: 32 * 1024, passes: 3 };
const saltBytes = 16;
const hashBytes = 32;
const pattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=1\$([A-Za-z0-9+/]{16,64})\$([A-Za-z0-9+/]{16,128})$/;

const derive = promisify(argon2);

/** What the passwords are hashed with. */
export interface PasswordsOptions {
  /** Hashes that are computed at a time, in threads of their own. */
  maxAtOnce: number;
  /** Hashes that may wait for that; one more is refused. */
  maxWaiting: number;
  cost?: PasswordCost;
}

/** Hashes and checks passwords with argon2id, beside the event loop, and only so many at a time. */
export class Passwords {
  readonly #options: PasswordsOptions;
  readonly #waiting: (() => void)[] = [];
  /** Stands in for the hash of a user that does not exist, so that the answer takes as long. */
  #nobody: Promise<string> | undefined;
  #running = 0;

  constructor(options: PasswordsOptions) {
    this.#options = options;
  }

  /**
   * The hash to keep, in the PHC string format.
   * @throws HubError `throttled` when too many wait already
   */
  async hash(password: string): Promise<string> {
    const { memoryKiB, passes } = this.#options.cost ?? defaultCost;
    const salt = randomBytes(saltBytes);
    const hash = await this.#derive(password, salt, { memory: memoryKiB, passes, tagLength: hashBytes });
    return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${toText(salt)}$${toText(hash)}`;
  }

  /**
   * Whether this is the password of a hash; without a hash the answer is false, and takes as long.
   * @throws HubError `throttled` when too many wait already
   */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    const known = hash ?? (await this.#standIn());
    const [, memory, passes, salt = "", expected = ""] = pattern.exec(known) ?? [];
    const wanted = Buffer.from(expected, "base64");
    const cost = { memory: Number(memory), passes: Number(passes), tagLength: wanted.length };
    const found = await this.#derive(password, Buffer.from(salt, "base64"), cost);
    return timingSafeEqual(found, wanted) && hash !== undefined;
  }

  /** A failure to make it (too many wait) must not stay. */
  async #standIn(): Promise<string> {
    try {
      return await (this.#nobody ??= this.hash(randomBytes(saltBytes).toString("hex")));
    } catch (error) {
      this.#nobody = undefined;
      throw error;
    }
  }

  async #derive(
    password: string,
    nonce: Buffer,
    cost: Pick<Argon2Parameters, "memory" | "passes" | "tagLength">,
  ): Promise<Buffer> {
    await this.#turn();
    try {
      return await derive("argon2id", { message: password.normalize("NFC"), nonce, parallelism: 1, ...cost });
    } finally {
      const next = this.#waiting.shift();
      // A turn is handed over, not given back, so that nobody slips in between.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(): Promise<void> {
    const { maxAtOnce, maxWaiting } = this.#options;
    if (this.#running < maxAtOnce) {
      this.#running += 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= maxWaiting) {
      const message = "too many passwords are being checked at this moment; try again later";
      throw new HubError("throttled", message, { retryAfterS: 1 });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Base64 without padding, as the PHC string format has it. */
function toText(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
