import type { Logger } from "pino";
import type { Audit } from "../audit/audit.ts";
import { Throttle } from "./throttle.ts";

/** Somebody who was not let in. */
export interface Refusal {
  /** The network address. */
  from: string;
  /** `POST /api/v1/session` and its like, or `authenticate` for a request with a key. */
  action: string;
  /** `/users/<id>` or `/api-keys/<id>` where that is known, otherwise what it was tried at. */
  target: string;
  /** Undefined where the request has none yet. */
  requestId: string | undefined;
}

/** What writing down refusals needs. */
export interface RefusalsOptions {
  audit: Pick<Audit, "note">;
  logger: Logger;
  /** Epoch ms. */
  now: () => number;
}

/** Refusals at once, from everywhere; then one each second. */
const maxAtOnce = 200;
const refillMs = 1_000;
/** How often an expired key that goes on being used is written down. */
const expiredEveryMs = 60_000;
const maxExpired = 1_000;

/**
 * Writes down who was not let in, in the log and in the audit; there only as many as the audit can bear, whoever knocks. What was tried is
 * not written: people type passwords into the wrong field.
 */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #all: Throttle;
  readonly #expired: Throttle;

  constructor(options: RefusalsOptions) {
    const { now } = options;
    this.#options = options;
    this.#all = new Throttle({ maxFailures: maxAtOnce, refillMs, maxAddresses: 1, now });
    this.#expired = new Throttle({
      maxFailures: 1,
      refillMs: expiredEveryMs,
      maxAddresses: maxExpired,
      now,
    });
  }

  /** A wrong key or password. */
  note({ from, action, target, requestId }: Refusal, result = "unauthenticated"): void {
    const { audit, logger } = this.#options;
    logger.warn({ remoteAddress: from, action, target, result }, "access.refused");
    if (this.#all.waitS("") > 0) return;
    this.#all.fail("");
    const status = result === "forbidden" ? 403 : 401;
    audit.note({ actor: null, from, action, target, result, status, requestId: requestId ?? "" });
  }

  /** An expired key: an application that knocks with it all day is written down once a minute. */
  noteExpired(refusal: Refusal): void {
    if (this.#expired.waitS(refusal.target) > 0) return;
    this.#expired.fail(refusal.target);
    this.note(refusal);
  }
}
