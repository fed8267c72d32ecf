import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Audit } from "../audit/audit.ts";
import type { EventLog } from "../log/log.ts";
import type { Recorder } from "../log/recorder.ts";
import type { PrimaryTokensView, TokenRecord } from "../views/primary-tokens.ts";

/** What the expiry of tokens needs. */
export interface TokenExpiryOptions {
  tokens: Pick<PrimaryTokensView, "dueBy" | "nextExpiry">;
  recorder: Pick<Recorder, "record">;
  audit: Pick<Audit, "note">;
  log: Pick<EventLog, "subscribe">;
  /** Cuts the connections of a token. */
  cut: (tokenId: string) => void;
  clock: Clock;
  logger: Logger;
  newId: () => string;
}

/** Timers of Node's end at 2^31 ms; whatever is further away is looked at again in between. */
const longestWaitMs = 86_400_000;
/** Pause before what could not be written down is tried again. */
const retryMs = 5_000;

/**
 * Ends tokens whose overlap is over, at the moment that it is: their connections are cut, and it is written down. It goes by the views
 * alone, so it is kept across restarts.
 */
export class TokenExpiry implements AsyncDisposable {
  readonly #options: TokenExpiryOptions;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #unsubscribe: (() => void) | undefined;
  #closed = false;

  constructor(options: TokenExpiryOptions) {
    this.#options = options;
  }

  /** Ends what is over already and waits for the rest. */
  start(): void {
    this.#unsubscribe = this.#options.log.subscribe((events) => {
      if (events.some(({ type }) => type === "sallyport.primary.token.rotated")) this.#arm();
    });
    void this.run();
  }

  /** Ends all tokens whose overlap is over. Never rejects: what can't be written down is cut all the same, and tried again. */
  run(): Promise<void> {
    this.#running = this.#running.then(() => this.#endDue());
    return this.#running;
  }

  /** Ends when what is under way is done; calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe?.();
    this.#timer?.cancel();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #endDue(): Promise<void> {
    const { tokens, clock, cut, logger } = this.#options;
    let failed = false;
    for (const token of tokens.dueBy(new Date(clock.now()).toISOString())) {
      cut(token.id);
      try {
        await this.#end(token);
      } catch (err) {
        failed = true;
        logger.error({ err, primary: token.primaryId, tokenId: token.id }, "token.end_not_recorded");
      }
    }
    this.#arm(failed ? retryMs : 0);
  }

  async #end({ id: tokenId, primaryId: id, groupId }: TokenRecord): Promise<void> {
    const { recorder, audit, newId, logger } = this.#options;
    const target = `/primaries/${id}`;
    await recorder.record("sallyport.primary.token.ended", target, { id, tokenId, groupId, why: "expired" });
    logger.info({ primary: id, groupId, tokenId }, "token.expired");
    audit.note({
      actor: null,
      from: "hub",
      action: "end token whose overlap is over",
      target,
      result: "done",
      status: null,
      requestId: newId(),
    });
  }

  #arm(atLeastMs = 0): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const { tokens, clock } = this.#options;
    const next = tokens.nextExpiry();
    if (next === undefined) return;
    const waitMs = Math.max(atLeastMs, Date.parse(next) - clock.now());
    this.#timer = clock.after(Math.min(waitMs, longestWaitMs), () => void this.run());
  }
}
