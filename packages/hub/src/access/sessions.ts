import { randomBytes } from "node:crypto";
import type { Caller } from "./roles.ts";
import { hashSecret } from "./secret.ts";

/** What the sessions are made of. */
export interface SessionsOptions {
  maxSessions: number;
  /** Sessions of one key or user; a new one ends its oldest. */
  maxSessionsPerOwner: number;
  /** How long a session lasts, however much it is used. */
  lifetimeMs: number;
  /** How long a session lasts without being used. */
  idleMs: number;
  /** Epoch ms. */
  now: () => number;
}

/** Whose a session is. */
export type SessionOwner =
  /** What they may do is looked up at each request. */
  | { kind: "api-key" | "user"; id: string }
  /** Somebody known to the OpenID provider only: what they may do is what it said when they signed in. */
  | { kind: "oidc"; id: string; caller: Caller };

interface Session {
  owner: SessionOwner;
  endsAtMs: number;
  usedAtMs: number;
}

/** Sessions of the console, in memory: a restart ends them. The id is a secret; only its hash is kept. */
export class Sessions {
  readonly #options: SessionsOptions;
  /** By the hash of the id, oldest first. */
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Starts a session and returns its id. At a bound the oldest session ends. */
  start(owner: SessionOwner): string {
    const { maxSessions, maxSessionsPerOwner, lifetimeMs, now } = this.#options;
    const own = [...this.#sessions].filter(([, session]) => isOf(session, owner));
    for (const [hash] of own.slice(0, own.length - maxSessionsPerOwner + 1)) this.#sessions.delete(hash);
    const id = randomBytes(32).toString("base64url");
    this.#sessions.set(hashSecret(id), { owner, endsAtMs: now() + lifetimeMs, usedAtMs: now() });
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > maxSessions && oldest !== undefined) this.#sessions.delete(oldest);
    return id;
  }

  /** Whose session this is, which counts as its use; undefined when it is unknown or has ended. */
  ownerOf(id: string): SessionOwner | undefined {
    const hash = hashSecret(id);
    const session = this.#sessions.get(hash);
    if (session === undefined) return undefined;
    const nowMs = this.#options.now();
    if (session.endsAtMs <= nowMs || session.usedAtMs + this.#options.idleMs <= nowMs) {
      this.#sessions.delete(hash);
      return undefined;
    }
    session.usedAtMs = nowMs;
    return session.owner;
  }

  end(id: string): void {
    this.#sessions.delete(hashSecret(id));
  }

  /**
   * Ends all sessions of a key or user.
   * @param but the id of one that stays
   */
  endAllOf(owner: Pick<SessionOwner, "kind" | "id">, but?: string): void {
    const kept = but === undefined ? undefined : hashSecret(but);
    for (const [hash, session] of this.#sessions) {
      if (hash !== kept && isOf(session, owner)) this.#sessions.delete(hash);
    }
  }
}

function isOf({ owner }: Session, { kind, id }: Pick<SessionOwner, "kind" | "id">): boolean {
  return owner.kind === kind && owner.id === id;
}
