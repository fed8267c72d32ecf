import { Readable } from "node:stream";
import { failureAnswer } from "../answer.ts";
import { DecodeError, NbwssError } from "../errors.ts";
import type { ServiceAnswer, ServiceCommand } from "./command.ts";
import { maxChunkBytes, type HeadFrame } from "./frame.ts";
import type { HeldBodies } from "./held-bodies.ts";
import { isStatus, readRequestHead } from "./head.ts";
import { Pieces } from "./pieces.ts";
import type { Body, Stream } from "./stream.ts";

/** What answering needs. */
export interface AnswersOptions {
  maxWholeBodyBytes: number;
  /** Bodies of the connection's commands. */
  held: HeldBodies;
  /** Why a command is not carried out; asked before any of its body is kept. */
  refusalOf(uri: string): ServiceAnswer | undefined;
  /** Makes the call; a refusal is an answer too. */
  execute(command: ServiceCommand, signal: AbortSignal): Promise<ServiceAnswer>;
  /** An answer could not be sent as it was. */
  notSent(error: unknown): void;
}

/**
 * Answers one command that came on a stream: the service's side of commands under `sallyport.v1`.
 * @param signal aborted when the endpoint has ended the stream, or is gone
 * @returns resolves when the answer has left to its end, or nobody waits for it; never rejects
 * @throws DecodeError `bad_frame`, at once
 */
export function answerStream(
  stream: Stream,
  frame: HeadFrame,
  signal: AbortSignal,
  options: AnswersOptions,
): Promise<void> {
  const { uri, method, headers, length, timeoutMs } = readRequestHead(frame.head);
  const body = stream.takeHead(frame, length);
  return runAndAnswer(
    stream,
    { uri, method, headers, timeoutMs, takesContent: true },
    { body, length, signal, options },
  );
}

interface Call {
  body: Body;
  length: number | undefined;
  signal: AbortSignal;
  options: AnswersOptions;
}

async function runAndAnswer(stream: Stream, command: ServiceCommand, call: Call): Promise<void> {
  const { signal, options, length } = call;
  let made: ServiceAnswer;
  // Until the answer is made, the command holds what was read of its body.
  using room = roomOf(options.held);
  try {
    const refusal = options.refusalOf(command.uri);
    if (refusal === undefined) {
      const { parameters, upload } = await readBody(call.body, options.maxWholeBodyBytes, room.take);
      if (parameters !== undefined) command.parameters = parameters;
      if (upload !== undefined) [command.upload, command.uploadBytes] = [upload, length];
    }
    made = refusal ?? (await options.execute(command, signal));
  } catch (error) {
    made = failureOf(error);
  }
  if (!isStatus(made.status)) {
    if (made.content instanceof Readable) made.content.destroy();
    made = failureAnswer(502, 502, `the server answered with the status ${made.status}, which is none`);
  }
  try {
    await send(stream, made);
  } catch (error) {
    if (made.content instanceof Readable) made.content.destroy();
    options.notSent(error);
    if (!(error instanceof DecodeError)) return;
    await send(stream, failureAnswer(502, 502, "the answer's headers are too large to be sent"));
  }
}

/** What one command holds of the room for bodies. @throws NbwssError `busy` when there is none */
function roomOf(held: HeldBodies): Disposable & { take: (bytes: number) => void } {
  let taken = 0;
  return {
    take(bytes) {
      if (!held.take(bytes))
        throw new NbwssError("busy", "too many request bodies are held already; try again later");
      taken += bytes;
    },
    [Symbol.dispose]: () => held.release(taken),
  };
}

function failureOf(error: unknown): ServiceAnswer {
  const { message } = error as Error;
  const code = error instanceof NbwssError ? error.code : undefined;
  if (code === "timeout") return failureAnswer(408, 408, message);
  if (code === "busy") return failureAnswer(503, 503, message);
  return failureAnswer(502, 502, `the call failed: ${message}`);
}

function send(stream: Stream, answer: ServiceAnswer): Promise<void> {
  const { status, headers, contentBytes } = answer;
  const content: string | Buffer | Readable = answer.content ?? answer.body;
  if (content instanceof Readable) {
    return stream.sendStreamed("response", toHead(status, headers, contentBytes), content);
  }
  const bytes = Buffer.byteLength(content);
  if (bytes <= maxChunkBytes) {
    stream.sendWhole("response", toHead(status, headers), content);
    return Promise.resolve();
  }
  const whole = typeof content === "string" ? Buffer.from(content) : content;
  return stream.sendStreamed("response", toHead(status, headers, bytes), whole);
}

function toHead(status: number, headers: Record<string, string>, length?: number): string {
  return JSON.stringify({ status, headers, length });
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A body that is small and text becomes `parameters`, as under NBWSS 1.0; any other one stays a stream. */
async function readBody(
  body: Body,
  maxBytes: number,
  take: (bytes: number) => void,
): Promise<{ parameters?: string; upload?: Readable }> {
  if (Buffer.isBuffer(body)) {
    take(body.length);
    return body.length === 0 ? {} : ofBytes(body);
  }
  const first = new Pieces();
  const rest: AsyncIterator<Buffer, undefined> = body.iterator({ destroyOnReturn: false });
  while (first.size <= maxBytes) {
    const { value, done } = await rest.next();
    if (done === true) return first.size === 0 ? {} : ofBytes(first.takeAll());
    take(value.length);
    first.add(value);
  }
  return { upload: Readable.from(rejoined(first, rest), { objectMode: false }) };
}

function ofBytes(bytes: Buffer): { parameters?: string; upload?: Readable } {
  try {
    return { parameters: decoder.decode(bytes) };
  } catch {
    return { upload: Readable.from([bytes], { objectMode: false }) };
  }
}

async function* rejoined(first: Pieces, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let piece = first.shift(); piece !== undefined; piece = first.shift()) yield piece;
  yield* { [Symbol.asyncIterator]: () => rest };
}
