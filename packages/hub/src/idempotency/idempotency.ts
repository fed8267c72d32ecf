import { createHash } from "node:crypto";
import { NbwssError, type CommandAnswer } from "@sallyport/nbwss";
import { HubError } from "../errors.ts";
import type { IdempotencyRecord, IdempotencyStore } from "./idempotency-store.ts";

/** What it needs. */
export interface IdempotencyOptions {
  store: IdempotencyStore;
  /** Epoch ms. */
  now: () => number;
  /** How long a key is remembered, ms. */
  lifetimeMs: number;
}

/** A request that may bear a key. */
export interface KeyedRequest {
  caller: { id: string };
  method: string;
  target: { uri: string; primaryId: string };
  idempotencyKey: string | undefined;
}

/** An answer, and whether it is that of an earlier request with the same key. */
export interface IdempotentAnswer {
  answer: CommandAnswer;
  replayed: boolean;
}

/** What is done under a key. */
export interface KeyedWork {
  /** Carries the request out; given the key's hash, to be kept with what it makes. */
  perform: (keyHash: string | undefined) => Promise<CommandAnswer>;
  /** Whether a repeat gets this answer too; otherwise the key may be used again. All are, unless said. */
  isFinal?: (answer: CommandAnswer) => boolean;
  /** Finds what a hub that was killed has made under the key since then, and its answer; undefined when there is nothing to be found. */
  recover?: (keyHash: string, sinceMs: number) => CommandAnswer | undefined;
}

/** Errors after which nothing has happened for certain, so that the key may be used again. */
const harmless: ReadonlySet<string> = new Set(["not_established", "busy", "too_large"]);

/** Has a request with an `Idempotency-Key` carried out once, however often it is sent. */
export class Idempotency {
  readonly #options: IdempotencyOptions;

  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  /**
   * Carries a request out, or gives the answer of the first one with its key. The key is on disk before anything is done, the answer
   * before it is given.
   * @throws HubError `idempotency_mismatch` for another request under the same key, `idempotency_running` while the first one
   *   runs, `idempotency_unknown` when nobody knows whether it was carried out; whatever `perform` throws
   */
  async run(
    request: KeyedRequest,
    body: string | undefined,
    { perform, isFinal, recover }: KeyedWork,
  ): Promise<IdempotentAnswer> {
    const { idempotencyKey: key } = request;
    if (key === undefined) return { answer: await perform(undefined), replayed: false };
    const { store, now, lifetimeMs } = this.#options;
    const keyHash = hashOf([request.caller.id, key]);
    const { uri, primaryId } = request.target;
    const requestHash = store.fingerprint(JSON.stringify([request.method, primaryId, uri, body ?? ""]));
    const known = store.find(keyHash);
    if (known !== undefined) {
      const isLost = known.state === "unknown" && known.requestHash === requestHash;
      const recovered = isLost ? recover?.(keyHash, known.begunAtMs) : undefined;
      if (recovered === undefined) return replay(known, requestHash);
      store.finish(keyHash, recovered);
      return { answer: recovered, replayed: true };
    }
    store.begin(keyHash, requestHash, now(), now() - lifetimeMs);
    try {
      const answer = await perform(keyHash);
      if (isFinal?.(answer) ?? true) store.finish(keyHash, answer);
      else store.forget(keyHash);
      return { answer, replayed: false };
    } catch (error) {
      if (mayHaveHappened(error)) store.lose(keyHash);
      else store.forget(keyHash);
      throw error;
    }
  }
}

function replay(known: IdempotencyRecord, requestHash: string): IdempotentAnswer {
  if (known.requestHash !== requestHash) {
    throw new HubError("idempotency_mismatch", "this Idempotency-Key was used for another request already");
  }
  if (known.answer !== undefined) return { answer: known.answer, replayed: true };
  if (known.state === "running") {
    const message = "the first request with this Idempotency-Key still runs; ask again later";
    throw new HubError("idempotency_running", message, { retryAfterS: 1 });
  }
  throw new HubError(
    "idempotency_unknown",
    "the first request with this Idempotency-Key was sent and its answer lost; look at the primary, then use another key",
    { mayHaveBeenExecuted: true },
  );
}

function mayHaveHappened(error: unknown): boolean {
  if (error instanceof HubError) return error.mayHaveBeenExecuted !== false && error.row.status >= 500;
  return !(error instanceof NbwssError) || !harmless.has(error.code);
}

function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
