import type { IncomingMessage } from "node:http";
import { HubError } from "./errors.ts";

/** Bytes that all request bodies together may hold. */
export class BodyBudget {
  readonly #maxBytes: number;
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /** @throws HubError `busy` */
  take(bytes: number): void {
    if (this.#held + bytes > this.#maxBytes) {
      const message = `request bodies of ${this.#held} bytes are held already; try again later`;
      throw new HubError("busy", message, { retryAfterS: 1, mayHaveBeenExecuted: false });
    }
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/**
 * Reads a request's body as text; undefined when it has none.
 * @throws HubError `too_large`, `not_text`, `busy`, or `cancelled` when the caller leaves meanwhile
 */
export async function readTextBody(
  request: IncomingMessage,
  maxBytes: number,
  budget: BodyBudget,
): Promise<string | undefined> {
  const declared = request.headers["content-length"];
  if (declared === undefined && request.headers["transfer-encoding"] === undefined) return undefined;
  if (Number(declared ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (size + chunk.length > maxBytes) throw tooLarge(maxBytes);
      budget.take(chunk.length);
      size += chunk.length;
      chunks.push(chunk);
    }
    if (size === 0) return undefined;
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw toHubError(error);
  } finally {
    budget.give(size);
  }
}

function toHubError(error: unknown): HubError {
  if (error instanceof HubError) return error;
  if (error instanceof TypeError) {
    const message = "the body is not UTF-8; NBWSS 1.0 carries text only";
    return new HubError("not_text", message, { cause: error, mayHaveBeenExecuted: false });
  }
  const message = "the caller left before the request was whole";
  return new HubError("cancelled", message, { cause: error, mayHaveBeenExecuted: false });
}

function tooLarge(maxBytes: number): HubError {
  const message = `a request body may have at most ${maxBytes} bytes`;
  return new HubError("too_large", message, { mayHaveBeenExecuted: false });
}
