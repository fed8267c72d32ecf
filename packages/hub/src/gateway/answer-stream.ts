import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { NbwssError, type StreamedAnswer } from "@sallyport/nbwss";
import { HubError } from "../errors.ts";
import { badAnswer, headOf, mayHaveBody, type AnswerContext } from "./answer.ts";
import type { CommandEnd } from "./command-errors.ts";

/** How an answer ended that was begun. */
export interface StreamedOutcome {
  status: number;
  end: Extract<CommandEnd, "answered" | "cancelled" | "lost" | "too_large">;
}

/**
 * Writes a primary's answer: one that is whole in one write, a stream at the pace of its reader. Resolves when it has left to its end, or
 * broke off: the caller then sees that it is not whole, since its connection is cut.
 * @throws HubError `bad_answer` for what can't be an HTTP response, NbwssError for a body that is broken off already; nothing is written then
 */
export async function streamAnswer(
  response: ServerResponse,
  answer: StreamedAnswer,
  context: AnswerContext,
): Promise<StreamedOutcome> {
  const { status, body, bodyBytes } = answer;
  const { limits } = context;
  const lines = withBodyGone(body, () => {
    if (bodyBytes !== undefined && bodyBytes > limits.maxStreamedBodyBytes) {
      throw badAnswer(`the answer has ${bodyBytes} bytes, and ${limits.maxStreamedBodyBytes} are the most`);
    }
    return headOf(answer, context);
  });
  if (!mayHaveBody(status)) {
    if (body instanceof Readable) body.destroy();
    response.writeHead(status, lines).end();
    return { status, end: "answered" };
  }
  if (!(body instanceof Readable)) {
    lines.push("Content-Length", String(Buffer.byteLength(body)));
    response.writeHead(status, lines);
    // As text of single bytes it leaves together with the header.
    if (Buffer.isBuffer(body)) response.end(body.toString("latin1"), "latin1");
    else response.end(body);
    return { status, end: "answered" };
  }
  if (response.destroyed) {
    // Nothing can be piped into it, and `pipeline` would leave the body unread: its turn at the primary would never end.
    body.destroy();
    return { status, end: "cancelled" };
  }
  // It broke off right behind its head: nothing was written yet, so that the caller can be told.
  if (body.destroyed) throw body.errored ?? new NbwssError("lost", "the answer broke off at its beginning");
  if (bodyBytes !== undefined) lines.push("Content-Length", String(bodyBytes));
  response.writeHead(status, lines);
  response.setTimeout(limits.maxStreamStallMs, () => response.destroy());
  let bytes = 0;
  body.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limits.maxStreamedBodyBytes)
      body.destroy(new NbwssError("too_large", "the answer is too long"));
  });
  try {
    await pipeline(body, response);
    return { status, end: "answered" };
  } catch (error) {
    return { status, end: endOf(error) };
  }
}

/** A body that can't be passed on is not read. */
function withBodyGone<T>(body: StreamedAnswer["body"], make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (body instanceof Readable) body.destroy();
    throw error;
  }
}

function endOf(error: unknown): StreamedOutcome["end"] {
  if (error instanceof HubError || !(error instanceof NbwssError)) return "cancelled";
  return error.code === "too_large" ? "too_large" : "lost";
}
