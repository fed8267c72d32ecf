import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { dialReason } from "@sallyport/nbwss";
import { AgentError } from "../errors.ts";
import { agentFor, type Egress } from "./trust.ts";

/** What fetching endpoint details may take. */
export interface DetailsBounds {
  maxDetailsBytes: number;
  validationTimeoutMs: number;
}

/**
 * Fetches what a details URL gives: JSON that is not checked yet. No redirect is followed.
 * @param url `https://`; a secret until it was used, so that no message has more of it than its host
 * @throws AgentError `details_unreachable`
 */
export async function fetchPublishedDetails(
  url: string,
  egress: Egress,
  bounds: DetailsBounds,
): Promise<unknown> {
  try {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const signal = AbortSignal.timeout(bounds.validationTimeoutMs);
    get(url, { agent: agentFor(url, egress), headers: { accept: "application/json" }, signal }, resolve)
      .on("error", reject)
      // Node tells of neither answer nor error when a server switches protocols, which nobody asked it to.
      .on("close", () => reject(new Error("it answered with another protocol than HTTP")));
    const response = await promise;
    const text = await readBounded(response, bounds.maxDetailsBytes);
    if (response.statusCode !== 200) {
      throw new Error(`it answered ${response.statusCode}; a details URL works once, within an hour`);
    }
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof SyntaxError ? "its answer is not JSON" : dialReason(error as Error, "--ca");
    throw new AgentError("details_unreachable", `no endpoint details from ${new URL(url).host}: ${why}`);
  }
}

async function readBounded(body: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`its answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
