import { finished, pipeline, Transform, type Readable } from "node:stream";
import type { CommandAnswer, ServiceAnswer, ServiceCommand } from "@sallyport/nbwss";
import { dialReason, failureAnswer, hopByHopHeaders, NbwssError } from "@sallyport/nbwss";
import { refusalOfPath } from "./command-path.ts";
import { readShort } from "./upstream/short-answer.ts";
import { UpstreamClient, type UpstreamResponse } from "./upstream/upstream-client.ts";

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
  /** A body that is streamed to the server, bytes; a larger one is answered 413. */
  maxUploadBytes: number;
}

/** What is not longer is read whole: it then leaves in one frame. */
const wholeBytes = 64 * 1024;

/** How long the end of an answer that does not say its length is waited for; then it is a stream. Longer than servers pause between the pieces of what is short. */
const shortAnswerMs = 100;

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
  readonly #client: UpstreamClient;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#client = new UpstreamClient(options);
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

  close(): void {
    this.#client.close();
  }

  async #call(command: ServiceCommand, signal: AbortSignal, timeoutMs: number): Promise<ServiceAnswer> {
    signal.throwIfAborted();
    const { uri: path, method, parameters, upload, uploadBytes } = command;
    const { maxUploadBytes } = this.#options;
    if ((uploadBytes ?? 0) > maxUploadBytes) throw new UploadTooLarge(maxUploadBytes);
    let deadline: NodeJS.Timeout | undefined;
    // An upload takes as long as it takes: the server's time begins anew with each piece of it, and what does not come on is ended by who receives it.
    const progressed = () => deadline?.refresh();
    const body = upload === undefined ? parameters : bounded(upload, maxUploadBytes, progressed);
    const call = this.#client.start({ method, path, headers: outgoing(command), body });
    const late = () => call.cancel(new DOMException("the call took too long", "TimeoutError"));
    deadline = setTimeout(late, timeoutMs);
    const gone = () => call.cancel(new Error("nobody waits for the answer any more"));
    signal.addEventListener("abort", gone);
    const release = () => signal.removeEventListener("abort", gone);
    let isStreamed = false;
    try {
      const response = await call.response;
      if (command.takesContent !== true) return await this.#asText(response);
      const answer = await this.#asContent(response);
      isStreamed = answer.content === response.body;
      if (isStreamed) finished(response.body, release);
      return answer;
    } finally {
      clearTimeout(deadline);
      if (!isStreamed) release();
    }
  }

  async #asText({ statusCode, headers, body }: UpstreamResponse): Promise<CommandAnswer> {
    const { maxBodyBytes } = this.#options;
    const bytes = await readWhole(body, maxBodyBytes);
    if (bytes === undefined)
      return failureAnswer(502, 502, `The server's answer has more than ${maxBodyBytes} bytes.`);
    return { status: statusCode, headers: incoming(headers), body: decoder.decode(bytes) };
  }

  async #asContent({ statusCode: status, headers, body }: UpstreamResponse): Promise<ServiceAnswer> {
    const declared = Number(headers["content-length"] ?? NaN);
    const answer = { status, headers: incoming(headers), body: "" };
    if (declared <= wholeBytes) return { ...answer, content: await readWhole(body, wholeBytes) };
    // It may break off before anybody reads it; who reads it is told all the same.
    body.on("error", () => {});
    if (Number.isNaN(declared)) {
      const content = await readShort(body, { maxBytes: wholeBytes, momentMs: shortAnswerMs });
      if (content !== undefined) return { ...answer, content };
    }
    const contentBytes = Number.isSafeInteger(declared) ? declared : undefined;
    return { ...answer, content: body, contentBytes };
  }
}

/** Undefined when there is more than is taken; the rest is not read. */
async function readWhole(body: Readable, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
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

class UploadTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`The request's body has more than ${maxBytes} bytes.`);
  }
}

/**
 * An upload that ends with an error where it goes beyond the bound; the two end together.
 * @param progressed called with each piece that is taken
 */
function bounded(upload: Readable, maxBytes: number, progressed: () => void): Readable {
  let size = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      progressed();
      if (size > maxBytes) done(new UploadTooLarge(maxBytes));
      else done(null, chunk);
    },
  });
  // Whoever reads it is told of the error.
  pipeline(upload, counted, () => {});
  return counted;
}

function failureOf(error: NodeJS.ErrnoException, timeoutMs: number): CommandAnswer {
  if (error instanceof UploadTooLarge) return failureAnswer(413, 413, error.message);
  // The endpoint was too slow with its body.
  if (error instanceof NbwssError && error.code === "timeout") return failureAnswer(408, 408, error.message);
  if (error.name === "TimeoutError") {
    return failureAnswer(504, 504, `The server did not answer within ${timeoutMs} ms.`);
  }
  if (error.code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
    return failureAnswer(502, 502, "The server's answer is not text and can't travel over NBWSS 1.0.");
  }
  return failureAnswer(502, 502, `The server could not be called: ${dialReason(error, "--upstream-ca")}`);
}
