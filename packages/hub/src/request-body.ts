import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
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

/** Whether a request says that a body follows. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
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
  const bytes = await readBody(request, maxBytes, budget);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw toHubError(error);
  }
}

/**
 * Reads a request's body; undefined when it has none.
 * @throws HubError as `readTextBody`, but for `not_text`
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  budget: BodyBudget,
): Promise<Buffer | undefined> {
  if (!hasBody(request)) return undefined;
  if (declaredBytes(request) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (size + chunk.length > maxBytes) throw tooLarge(maxBytes);
      budget.take(chunk.length);
      size += chunk.length;
      chunks.push(chunk);
    }
    return size === 0 ? undefined : Buffer.concat(chunks);
  } catch (error) {
    throw toHubError(error);
  } finally {
    budget.give(size);
  }
}

/** A request's body as it comes. */
export interface StreamedBody {
  /** Destroying it leaves the request alone, which is still to be answered. */
  stream: Readable;
  /** Bytes, when the request says so. */
  bytes: number | undefined;
  /** What the request itself did wrong: `too_large`, or `cancelled` when the caller left; undefined while it is well. */
  failure: () => HubError | undefined;
}

/**
 * Hands a request's body on as it comes, at the pace of its reader.
 * @throws HubError `too_large` for one that is announced as such
 */
export function streamBody(request: IncomingMessage, maxBytes: number): StreamedBody {
  const declared = declaredBytes(request);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  let failure: HubError | undefined;
  async function* bounded(): AsyncGenerator<Buffer> {
    let size = 0;
    try {
      const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
      for await (const chunk of chunks) {
        size += chunk.length;
        if (size > maxBytes) throw tooLarge(maxBytes);
        yield chunk;
      }
    } catch (error) {
      failure = toHubError(error);
      throw failure;
    }
  }
  const bytes = request.headers["content-length"] === undefined ? undefined : declared;
  return { stream: Readable.from(bounded(), { objectMode: false }), bytes, failure: () => failure };
}

function declaredBytes({ headers }: IncomingMessage): number {
  return Number(headers["content-length"] ?? 0);
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
