import type { MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import type { ApiKeys } from "../access/api-keys.ts";
import type { Principal, Sessions } from "../access/sessions.ts";
import { PrimaryError } from "../errors.ts";
import type { ApiEnvironment } from "./environment.ts";

/**
 * The token of a request: the Authorization header, bare or after "Bearer", or the cookie of that name (NetBackup REST,
 * authorization).
 */
export function tokenOf(header: string | undefined, cookie: string | undefined): string | undefined {
  const token = (header ?? cookie ?? "").trim().replace(/^Bearer\s+/i, "");
  return token === "" ? undefined : token;
}

/** Lets only requests with a valid token or API key pass, and tells the routes whose it is. */
export function authenticate(sessions: Sessions, apiKeys: ApiKeys): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    const token = tokenOf(context.req.header("authorization"), getCookie(context, "Authorization"));
    if (token === undefined) {
      throw new PrimaryError("unauthenticated", "there is no token: log in with POST /netbackup/login first");
    }
    // A session's token is a JWT, whose parts are joined by dots; a key has none.
    const keyOwner = token.includes(".") ? undefined : apiKeys.userOf(token);
    const principal: Principal =
      keyOwner === undefined ? await sessions.authenticate(token) : { userName: keyOwner, sessionId: "" };
    context.set("principal", principal);
    await next();
  };
}
