import type { IncomingMessage, ServerResponse } from "node:http";
import type { StreamedCommand } from "@sallyport/nbwss";
import type { BodyDeadlines } from "../body-deadlines.ts";
import type { HubLimits } from "../config/limits.ts";
import type { HubError } from "../errors.ts";
import { readBody, streamBody, type BodyBudget } from "../request-body.ts";

/** What is announced as no longer goes in one frame, bytes. */
const wholeBytes = 64 * 1024;

/** A caller's body on its way into a command. */
export interface TakenBody {
  body: Pick<StreamedCommand, "body" | "bodyBytes">;
  /** What the caller's own side of the body did wrong; undefined while it is well. */
  failure: () => HubError | undefined;
}

/** What taking a body needs. */
export interface TakingOptions {
  limits: Pick<HubLimits, "maxStreamedBodyBytes" | "maxStreamStallMs">;
  budget: BodyBudget;
  deadlines: Pick<BodyDeadlines, "lift">;
}

/**
 * Takes the body of a request for a primary that speaks `sallyport.v1`: what is small whole, the rest as it comes.
 * @throws HubError `too_large`, `busy`, `cancelled`
 */
export async function takeBody(request: IncomingMessage, options: TakingOptions): Promise<TakenBody> {
  const { limits, budget, deadlines } = options;
  const { "content-length": declared, "transfer-encoding": coding } = request.headers;
  if (coding === undefined && Number(declared ?? 0) <= wholeBytes) {
    const whole = await readBody(request, wholeBytes, budget);
    return { body: whole === undefined ? {} : { body: whole }, failure: () => undefined };
  }
  const { stream, bytes, failure } = streamBody(request, limits.maxStreamedBodyBytes);
  deadlines.lift(request);
  request.setTimeout(limits.maxStreamStallMs, () => request.destroy());
  // Once it has come, the wait for the answer has a deadline of its own.
  request.once("end", () => request.setTimeout(0));
  return { body: { body: stream, bodyBytes: bytes }, failure };
}

/**
 * Reads what is left of a request that was answered before it was whole, and forgets it: many callers write all of it before they read the
 * answer, and what stayed unread would be taken for the next request. It has the time that any request has; then it is cut.
 */
export function passOverRest(
  request: IncomingMessage,
  response: ServerResponse,
  deadlines: Pick<BodyDeadlines, "watch">,
): void {
  if (request.complete || request.destroyed) return;
  deadlines.watch(request, response);
  // Its former reader may still be listening, so that it would not flow.
  const read = () => {
    while (request.read() !== null);
  };
  request.on("readable", read);
  read();
}
