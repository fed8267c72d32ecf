import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createSecureContext, getCACertificates } from "node:tls";
import type { Clock } from "@sallyport/nbwss";
import {
  checkedLookup,
  literalOf,
  receiverAddresses,
  type AddressRule,
  type ResolveName,
} from "./receiver-address.ts";
import { readRetryAfter } from "./retry-schedule.ts";

/** What the sender is made of. */
export interface SenderOptions {
  rule: AddressRule;
  resolve: ResolveName;
  clock: Clock;
  /** How long one attempt may take, from the name's resolution to the end of the answer, ms. */
  timeoutMs: number;
  /** Bytes of an answer that are kept; the rest is not read. */
  maxAnswerBytes: number;
  /** PEM of a further authority for certificates of receivers. */
  ca: string | undefined;
}

/** One request to a receiver. */
export interface Sending {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  signal: AbortSignal;
}

/** How an attempt ended. */
export interface Sent {
  /** Null when there was no answer. */
  status: number | null;
  /** The beginning of the answer's body. */
  body: string | null;
  /** Why there was no answer, or why it does not count; null for an answer. */
  error: string | null;
  retryAfterMs: number | undefined;
  /** How long it took. */
  ms: number;
}

interface Answer {
  status: number;
  body: string;
  retryAfter: string | undefined;
}

/**
 * Sends requests to receivers: to addresses that the rule allows, with TLS verified, without following redirects, each within its time. An
 * answer's body is read up to its bound.
 */
export class Sender implements Disposable {
  readonly #options: SenderOptions;
  readonly #agents;

  constructor(options: SenderOptions) {
    this.#options = options;
    const { ca } = options;
    // Node's own, those of the system or NODE_EXTRA_CA_CERTS where it is told so, and the operator's. Made once: a hundred certificates
    // cost more to read than a request does.
    const secureContext = createSecureContext({
      minVersion: "TLSv1.2",
      ...(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] }),
    });
    const shared = { keepAlive: true, maxFreeSockets: 256, timeout: 60_000 };
    this.#agents = {
      "http:": new HttpAgent(shared),
      "https:": new HttpsAgent({ ...shared, secureContext }),
    };
  }

  /** Makes one attempt. @throws what the signal was aborted with; nothing else */
  async send(sending: Sending): Promise<Sent> {
    const { clock, timeoutMs } = this.#options;
    const startMs = clock.monotonicMs();
    const patience = new AbortController();
    const timer = clock.after(timeoutMs, () => patience.abort(new Error(`no answer within ${timeoutMs} ms`)));
    const signal = AbortSignal.any([sending.signal, patience.signal]);
    try {
      const { status, body, retryAfter } = await this.#attempt({ ...sending, signal });
      const isRedirect = status >= 300 && status < 400;
      return {
        status,
        body,
        error: isRedirect ? "the receiver redirects, which is not followed" : null,
        retryAfterMs: readRetryAfter(retryAfter, clock.now()),
        ms: clock.monotonicMs() - startMs,
      };
    } catch (error) {
      sending.signal.throwIfAborted();
      const cause = patience.signal.aborted ? (patience.signal.reason as Error) : (error as Error);
      const ms = clock.monotonicMs() - startMs;
      return { status: null, body: null, error: describe(cause), retryAfterMs: undefined, ms };
    } finally {
      timer.cancel();
    }
  }

  /** Ends connections that are kept for later; calling it again does nothing. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #attempt(sending: Sending): Promise<Answer> {
    const { rule, resolve } = this.#options;
    const url = new URL(sending.url);
    // Nobody looks an address up, so that it is checked here; a name is when a connection is made.
    if (literalOf(url.hostname) !== undefined) await receiverAddresses(url, rule, resolve, sending.signal);
    try {
      return await this.#request(url, sending);
    } catch (error) {
      // The receiver has closed a kept connection at the very moment that it was used again.
      if (!(error instanceof StaleConnection)) throw error;
      return this.#request(url, sending);
    }
  }

  #request(url: URL, { headers, body, signal }: Sending): Promise<Answer> {
    const { maxAnswerBytes, rule, resolve: resolveName } = this.#options;
    const isTls = url.protocol === "https:";
    const agent = isTls ? this.#agents["https:"] : this.#agents["http:"];
    const lookup = checkedLookup(() => receiverAddresses(url, rule, resolveName, signal));
    const length = String(Buffer.byteLength(body));
    const options = {
      method: "POST",
      agent,
      lookup,
      signal,
      headers: { ...headers, "content-length": length },
    };
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const outgoing = (isTls ? httpsRequest : httpRequest)(url, options, (response) => {
        isAnswered = true;
        const answer = (text: string) =>
          resolve({
            status: response.statusCode ?? 0,
            body: text,
            retryAfter: response.headers["retry-after"],
          });
        readBeginning(response, maxAnswerBytes, answer);
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        const isStale = outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
        reject(isStale && !signal.aborted ? new StaleConnection(error) : error);
      });
      // Node tells of neither answer nor error when a receiver switches protocols, which nobody asked it to.
      outgoing.on("close", () => {
        if (!isAnswered) reject(new Error("the receiver answered with another protocol than HTTP"));
      });
      outgoing.end(body);
    });
  }
}

class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** The status is what counts: a body that breaks off, or does not come, is as long as it is. */
function readBeginning(response: IncomingMessage, maxBytes: number, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const finish = () => done(toText(Buffer.concat(chunks).subarray(0, maxBytes)));
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) response.destroy();
  });
  response.on("error", finish);
  response.on("close", finish);
}

/** Somebody else's text: nothing in it may steer a terminal. */
function toText(bytes: Buffer): string {
  return bytes.toString("utf8").replaceAll(/[\p{Cc}\p{Cf}]/gu, (char) => (char === "\n" ? char : "\uFFFD"));
}

function describe(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const text = first.message === "" ? (code ?? "no connection") : first.message;
  return text.replace(/^url: /, "").slice(0, 500);
}
