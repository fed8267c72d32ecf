import { EventEmitter } from "node:events";
import type { CommandAnswer, ServiceAnswer, ServiceCommand } from "@sallyport/nbwss";
import { failureAnswer, hopByHopHeaders } from "@sallyport/nbwss";
import { Pool, type Dispatcher } from "undici";
import { refusalOfPath } from "./command-path.ts";

/** Makes calls of the upstream. */
export interface CommandExecutor {
  /** Makes one call. Never rejects: what can't be done is an answer too. */
  execute(command: ServiceCommand, signal: AbortSignal): Promise<ServiceAnswer>;
}

/** What commands are executed against. */
export interface ExecutorOptions {
  /** The REST server's origin, such as `https://127.0.0.1:1556`; the only host that is ever called. */
  origin: string;
  /** Authorities to verify it against, PEM. */
  ca: string[];
  maxConnections: number;
  timeoutMs: number;
  /** The largest body that still fits a message, bytes; under `sallyport.v1` there is no such bound. */
  maxBodyBytes: number;
  /** Answers that are handed over as a stream at a time; one more is answered 503, so that connections are left for the others. */
  maxStreamedAnswers: number;
}

/** What is not longer is read whole: it then leaves in one frame. */
const wholeBytes = 64 * 1024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Headers that belong to one hop, or that the executor sets itself. */
const ownHeaders = new Set([
  ...hopByHopHeaders,
  "host",
  "content-length",
  "expect",
  "http2-settings",
  // Bodies travel as text under NBWSS 1.0, so they must not come compressed.
  "accept-encoding",
]);

/** Makes the REST calls that commands ask for, against one upstream and nothing else. */
export class Executor implements CommandExecutor {
  readonly #options: ExecutorOptions;
  readonly #pool: Pool;
  #streaming = 0;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#pool = new Pool(options.origin, {
      connections: options.maxConnections,
      connect: { ca: options.ca, minVersion: "TLSv1.2" },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    });
  }

  /**
   * Makes one call. Never rejects: what can't be done is answered 403, 502 or 504 in NetBackup's error shape (NBWSS, COMMAND). Where the
   * command takes it, a body that is long or of unknown length is handed over as it comes, and the deadline ends with its head.
   */
  async execute(command: ServiceCommand, signal: AbortSignal): Promise<ServiceAnswer> {
    const refusal = refusalOfPath(command.uri);
    if (refusal !== undefined) return failureAnswer(403, 403, `The request was refused: ${refusal}.`);
    const timeoutMs = Math.min(this.#options.timeoutMs, command.timeoutMs ?? Infinity);
    try {
      return await this.#call(command, signal, timeoutMs);
    } catch (error) {
      return failureOf(error as NodeJS.ErrnoException, timeoutMs);
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #call(command: ServiceCommand, signal: AbortSignal, timeoutMs: number): Promise<ServiceAnswer> {
    signal.throwIfAborted();
    // An emitter, which undici takes for a signal: AbortSignal.any and AbortSignal.timeout cost as much as the call itself.
    const ending = new EventEmitter();
    const end = () => ending.emit("abort");
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      end();
    }, timeoutMs);
    signal.addEventListener("abort", end);
    const release = () => signal.removeEventListener("abort", end);
    let isStreamed = false;
    try {
      const { uri: path, method, parameters, upload } = command;
      const response = await this.#pool.request({
        path,
        method,
        headers: outgoing(command),
        body: upload ?? parameters ?? null,
        signal: ending,
      });
      if (command.takesContent !== true) return await this.#asText(response);
      const answer = await this.#asContent(response);
      isStreamed = answer.content === response.body;
      if (isStreamed) response.body.once("close", release);
      return answer;
    } catch (error) {
      throw isLate ? new DOMException("the call took too long", "TimeoutError") : error;
    } finally {
      clearTimeout(deadline);
      if (!isStreamed) release();
    }
  }

  async #asText({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<CommandAnswer> {
    const { maxBodyBytes } = this.#options;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBodyBytes) {
        return failureAnswer(502, 502, `The server's answer has more than ${maxBodyBytes} bytes.`);
      }
      chunks.push(chunk);
    }
    const [only] = chunks;
    const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    return { status: statusCode, headers: incoming(headers), body: decoder.decode(bytes) };
  }

  async #asContent(response: Dispatcher.ResponseData): Promise<ServiceAnswer> {
    const { statusCode: status, headers, body } = response;
    const declared = Number(headers["content-length"] ?? NaN);
    const answer = { status, headers: incoming(headers), body: "" };
    if (declared <= wholeBytes) return { ...answer, content: Buffer.from(await body.arrayBuffer()) };
    // It may break off before anybody reads it; who reads it is told all the same.
    body.on("error", () => {});
    const { maxStreamedAnswers } = this.#options;
    if (this.#streaming >= maxStreamedAnswers) {
      body.destroy();
      return failureAnswer(
        503,
        503,
        `${maxStreamedAnswers} long answers are being read already; try again later.`,
      );
    }
    this.#streaming += 1;
    body.once("close", () => (this.#streaming -= 1));
    const contentBytes = Number.isSafeInteger(declared) ? declared : undefined;
    return { ...answer, content: body, contentBytes };
  }
}

function outgoing({ headers, uploadBytes }: ServiceCommand): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !ownHeaders.has(name.toLowerCase()));
  if (uploadBytes !== undefined) kept.push(["content-length", String(uploadBytes)]);
  return Object.fromEntries(kept);
}

function incoming(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ownHeaders.has(name.toLowerCase())) continue;
    kept[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
  }
  return kept;
}

function failureOf(error: NodeJS.ErrnoException, timeoutMs: number): CommandAnswer {
  if (
    error.name === "TimeoutError" ||
    error.code === "UND_ERR_HEADERS_TIMEOUT" ||
    error.code === "UND_ERR_BODY_TIMEOUT"
  ) {
    return failureAnswer(504, 504, `The server did not answer within ${timeoutMs} ms.`);
  }
  if (error.code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
    return failureAnswer(502, 502, "The server's answer is not text and can't travel over NBWSS 1.0.");
  }
  return failureAnswer(502, 502, `The server could not be called: ${error.message}`);
}
