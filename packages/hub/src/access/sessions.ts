import { randomBytes } from "node:crypto";
import { hashSecret } from "./secret.ts";

/** What the sessions are made of. */
export interface SessionsOptions {
  maxSessions: number;
  lifetimeMs: number;
  /** Epoch ms. */
  now: () => number;
}

interface Session {
  keyId: string;
  endsAtMs: number;
}

/** Sessions of the console, in memory: a restart ends them. The id is a secret; only its hash is kept. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Starts a session for an API key and returns its id. At the bound the oldest session ends. */
  start(keyId: string): string {
    const id = randomBytes(32).toString("base64url");
    this.#sessions.set(hashSecret(id), { keyId, endsAtMs: this.#options.now() + this.#options.lifetimeMs });
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > this.#options.maxSessions && oldest !== undefined)
      this.#sessions.delete(oldest);
    return id;
  }

  /** The id of the API key that the session was started with; undefined when it is unknown or has ended. */
  keyIdOf(id: string): string | undefined {
    const hash = hashSecret(id);
    const session = this.#sessions.get(hash);
    if (session === undefined || session.endsAtMs > this.#options.now()) return session?.keyId;
    this.#sessions.delete(hash);
    return undefined;
  }

  end(id: string): void {
    this.#sessions.delete(hashSecret(id));
  }
}
