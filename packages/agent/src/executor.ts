import { EventEmitter } from "node:events";
import type { Command, CommandAnswer, ServiceAnswer, ServiceCommand } from "@sallyport/nbwss";
import { failureAnswer, hopByHopHeaders } from "@sallyport/nbwss";
import { Pool } from "undici";
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
  /** The largest body that still fits a message, bytes. */
  maxBodyBytes: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Headers that belong to one hop, or that the executor sets itself. */
const ownHeaders = new Set([
  ...hopByHopHeaders,
  "host",
  "content-length",
  "expect",
  "http2-settings",
  // Bodies travel as text, so they must not come compressed.
  "accept-encoding",
]);

/** Makes the REST calls that commands ask for, against one upstream and nothing else. */
export class Executor implements CommandExecutor {
  readonly #options: ExecutorOptions;
  readonly #pool: Pool;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#pool = new Pool(options.origin, {
      connections: options.maxConnections,
      connect: { ca: options.ca, minVersion: "TLSv1.2" },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      maxResponseSize: options.maxBodyBytes,
    });
  }

  /** Makes one call. Never rejects: what can't be done is answered 403, 502 or 504 in NetBackup's error shape (NBWSS, COMMAND). */
  async execute(command: Command, signal: AbortSignal): Promise<CommandAnswer> {
    const refusal = refusalOfPath(command.uri);
    if (refusal !== undefined) return failureAnswer(403, 403, `The request was refused: ${refusal}.`);
    try {
      return await this.#call(command, signal);
    } catch (error) {
      return failureOf(error as NodeJS.ErrnoException, this.#options);
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #call({ uri, method, headers, parameters }: Command, signal: AbortSignal): Promise<CommandAnswer> {
    signal.throwIfAborted();
    // An emitter, which undici takes for a signal: AbortSignal.any and AbortSignal.timeout cost as much as the call itself.
    const ending = new EventEmitter();
    const end = () => ending.emit("abort");
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      end();
    }, this.#options.timeoutMs);
    signal.addEventListener("abort", end);
    try {
      const response = await this.#pool.request({
        path: uri,
        method,
        headers: outgoing(headers),
        body: parameters ?? null,
        signal: ending,
      });
      const bytes = new Uint8Array(await response.body.arrayBuffer());
      const body = decoder.decode(bytes);
      return { status: response.statusCode, headers: incoming(response.headers), body };
    } catch (error) {
      throw isLate ? new DOMException("the call took too long", "TimeoutError") : error;
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener("abort", end);
    }
  }
}

function outgoing(headers: Command["headers"]): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !ownHeaders.has(name.toLowerCase()));
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

function failureOf(error: NodeJS.ErrnoException, options: ExecutorOptions): CommandAnswer {
  if (
    error.name === "TimeoutError" ||
    error.code === "UND_ERR_HEADERS_TIMEOUT" ||
    error.code === "UND_ERR_BODY_TIMEOUT"
  ) {
    return failureAnswer(504, 504, `The server did not answer within ${options.timeoutMs} ms.`);
  }
  if (error.code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    return failureAnswer(502, 502, `The server's answer has more than ${options.maxBodyBytes} bytes.`);
  }
  if (error.code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
    return failureAnswer(502, 502, "The server's answer is not text and can't travel over NBWSS 1.0.");
  }
  return failureAnswer(502, 502, `The server could not be called: ${error.message}`);
}
