import { createHash } from "node:crypto";
import { hopByHopHeaders } from "@sallyport/nbwss";
import type { GuardedRequest } from "./guarded-request.ts";

/** The header with which a held command is sent again. */
export const ticketHeader = "sallyport-ticket";

/**
 * Headers that do not change what a request does: whose it is and how its answer looks. Credentials are among them, since a session may
 * have been renewed meanwhile; the upstream checks whatever comes.
 */
const neutralHeaders = new Set([
  ...hopByHopHeaders,
  ticketHeader,
  "host",
  "content-length",
  "authorization",
  "cookie",
  "x-netbackup-authorization",
  "x-netbackup-audit-reason",
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "user-agent",
  "date",
  "x-request-id",
  "x-client-id",
  "traceparent",
  "tracestate",
  "idempotency-key",
  "prefer",
  "via",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-port",
  "x-real-ip",
  "origin",
  "referer",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
]);

/**
 * What an approval is bound to: SHA-256 in hex over method, path and query as they came, every header that may change what the request
 * does, and the body.
 */
export function requestHash(request: GuardedRequest, uri: string): string {
  const headers = [...request.headers]
    .filter(([name]) => !neutralHeaders.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  // Told apart by their lengths in JSON, so that nothing can be moved from one member into another.
  const text = JSON.stringify([request.method, uri, headers, request.body ?? null]);
  return createHash("sha256").update(text).digest("hex");
}
