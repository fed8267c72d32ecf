import type { IncomingMessage, ServerResponse } from "node:http";
import type { CommandAnswer } from "@sallyport/nbwss";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import { problemAnswer } from "../problem.ts";
import { toAnswerHeaders } from "./headers.ts";

/** An answer of which more than this waits is watched; less is in the kernel's hands soon, bytes. */
const stallWatchBytes = 64 * 1024;

/** Where an answer goes, and what the hub adds to it. */
export interface AnswerContext {
  commandId: string;
  limits: Pick<
    HubLimits,
    "maxAnswerHeaders" | "maxReaderStallMs" | "maxStreamStallMs" | "maxStreamedBodyBytes"
  >;
  headers?: string[];
}

/** The console lives on this origin: whatever a primary sends must not run here. */
const ownAnswerHeaders = [
  "Content-Security-Policy",
  "default-src 'none'; sandbox; frame-ancestors 'none'",
  "X-Content-Type-Options",
  "nosniff",
];

/**
 * The headers of an answer that can be passed on, name and value in turn.
 * @throws HubError `bad_answer` for what can't be an HTTP response
 */
function headersOf(answer: Pick<CommandAnswer, "status" | "headers">, maxHeaders: number): string[] {
  const { status } = answer;
  const headers = toAnswerHeaders(answer.headers);
  if (status < 200) {
    throw badAnswer(`the primary answered with the status ${status}, which ends no request`);
  }
  if (headers.length > maxHeaders) {
    throw badAnswer(`the primary answered with ${headers.length} headers`);
  }
  return headers.flat();
}

/**
 * The head of a response, flat and as text: header and body then leave in one write.
 * @throws HubError `bad_answer` for what can't be an HTTP response
 */
export function headOf(answer: Pick<CommandAnswer, "status" | "headers">, context: AnswerContext): string[] {
  const lines = headersOf(answer, context.limits.maxAnswerHeaders);
  lines.push(...ownAnswerHeaders, "Sallyport-Command-Id", context.commandId, ...(context.headers ?? []));
  return lines;
}

/** Whether an answer of this status has a body (RFC 9110, 6.4.1 and 15.3.6). */
export function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304;
}

/**
 * Writes a primary's answer.
 * @returns its status
 * @throws HubError `bad_answer` for what can't be an HTTP response; nothing is written then
 */
export function writeAnswer(response: ServerResponse, answer: CommandAnswer, context: AnswerContext): number {
  const { status, body } = answer;
  const hasBody = mayHaveBody(status);
  const lines = headOf(answer, context);
  if (hasBody) lines.push("Content-Length", String(Buffer.byteLength(body)));
  response.writeHead(status, lines);
  response.end(hasBody ? body : undefined);
  // What the caller does not read is held in memory: Node ends a connection on which nothing has moved for so long. Once the
  // answer has left, Node's own time-out for idle connections replaces this one.
  if (response.writableLength > stallWatchBytes) response.socket?.setTimeout(context.limits.maxReaderStallMs);
  return status;
}

/** Writes what the hub itself answers when a call failed. */
export function writeProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const { status, headers, body } = problemAnswer(error);
  // The rest of a body that nobody reads would be taken for the next request.
  if (!request.complete) response.setHeader("Connection", "close");
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/** What a primary answered and can't be passed on. */
export function badAnswer(message: string): HubError {
  return new HubError("bad_answer", message, { mayHaveBeenExecuted: true });
}
