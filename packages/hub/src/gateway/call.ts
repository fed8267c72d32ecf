import type { IncomingMessage, ServerResponse } from "node:http";
import { commandMethods, type Command } from "@sallyport/nbwss";
import type { Access } from "../access/access.ts";
import { requireRole, type Caller } from "../access/roles.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import { requireNormalised, type GatewayTarget } from "./uri.ts";

/** A request to the gateway that was found good: who wants what of whom, until when. */
export interface Call {
  /** Ties together answer, log and audit. */
  id: string;
  caller: Caller;
  /** The caller's network address. */
  from: string;
  target: GatewayTarget;
  method: Command["method"];
  timeoutMs: number;
  primary: PrimaryRecord;
  /** `Prefer: respond-async`: keep it until the primary is there. */
  isAsync: boolean;
  /** `Idempotency-Key`, where it has a meaning: a GET is idempotent by itself, unless it is to be kept, which creates a stored command. */
  idempotencyKey: string | undefined;
}

/**
 * Reads a request's head.
 * @throws HubError `unauthenticated`, `throttled`, `method_not_allowed`, `bad_request`, `no_such_primary`, `forbidden`
 */
export function readCall(
  request: IncomingMessage,
  response: ServerResponse,
  context: { id: string; target: GatewayTarget; access: Access; limits: HubLimits },
): Call {
  const { id, target, access, limits } = context;
  const caller = access.identify(request, id);
  const method = requireMethod(request, response);
  requireNormalised(target);
  const isAsync = prefersAsync(request.headers["prefer"]);
  const timeoutMs = timeoutOf(request, limits, isAsync);
  const primary = access.requirePrimary(caller, target.primaryId);
  if (method !== "GET") requireRole(caller, "operator");
  return {
    id,
    caller,
    from: access.remoteAddressOf(request),
    target,
    method,
    timeoutMs,
    primary,
    isAsync,
    idempotencyKey: method === "GET" && !isAsync ? undefined : idempotencyKeyOf(request.headers),
  };
}

/**
 * Reads `Idempotency-Key`.
 * @throws HubError `bad_request` for what can't be one
 */
export function idempotencyKeyOf(headers: IncomingMessage["headers"]): string | undefined {
  const key = headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new HubError("bad_request", "Idempotency-Key has to be 1 to 255 printable characters without spaces");
}

function prefersAsync(prefer: string | string[] | undefined): boolean {
  if (prefer === undefined) return false;
  const preferences = (typeof prefer === "string" ? prefer : prefer.join(",")).split(",");
  return preferences.some((text) => text.trim().toLowerCase() === "respond-async");
}

function requireMethod(request: IncomingMessage, response: ServerResponse): Command["method"] {
  const method = commandMethods.find((name) => name === request.method);
  if (method !== undefined) return method;
  response.setHeader("Allow", commandMethods.join(", "));
  throw new HubError("method_not_allowed", `NBWSS carries ${commandMethods.join(", ")} only`);
}

function timeoutOf(request: IncomingMessage, limits: HubLimits, isAsync: boolean): number {
  const given = request.headers["sallyport-timeout"];
  if (given === undefined) {
    return isAsync ? limits.defaultStoredCommandTimeoutMs : limits.defaultCommandTimeoutMs;
  }
  const maxMs = isAsync ? limits.maxStoredCommandTimeoutMs : limits.maxCommandTimeoutMs;
  const timeoutMs = typeof given === "string" && /^\d{1,9}$/.test(given) ? Number(given) : 0;
  if (timeoutMs >= 1 && timeoutMs <= maxMs) return timeoutMs;
  throw new HubError(
    "bad_request",
    `Sallyport-Timeout has to be a number of milliseconds from 1 to ${maxMs}`,
  );
}
