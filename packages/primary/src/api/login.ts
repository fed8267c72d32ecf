import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import type { Logger } from "pino";
import { z } from "zod";
import type { ApiKeys } from "../access/api-keys.ts";
import { LoginThrottle } from "../access/login-throttle.ts";
import type { Sessions } from "../access/sessions.ts";
import type { Users } from "../access/users.ts";
import type { AuditTrail } from "../audit/audit-trail.ts";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";

const loginSchema = z.object({
  userName: z.string().max(256).default(""),
  password: z.string().min(1).max(1024),
  // Clients send any case, their own words, or nothing: there is one domain of passwords, and one of API keys.
  domainType: z.string().max(64).nullish(),
  domainName: z.string().max(256).nullish(),
});

/** What login works on. */
export interface LoginOptions {
  users: Users;
  sessions: Sessions;
  apiKeys: ApiKeys;
  audit: AuditTrail;
  clock: Clock;
  log: Logger;
}

function isDomain(name: string, given: string | null | undefined): boolean {
  return given?.toLowerCase() === name;
}

/** `POST /login` */
export function loginRoutes({ users, sessions, apiKeys, audit, clock, log }: LoginOptions): ApiRoutes {
  const throttle = new LoginThrottle();
  return new Hono<ApiEnvironment>().post("/login", async (context) => {
    const { userName, password, domainType, domainName } = await readJson(context, loginSchema);
    const isApiKey = isDomain("vx", domainType) && isDomain("vrts.apikey", domainName);
    if (isDomain("vx", domainType) && isDomain("vrts.mfa.totp", domainName)) {
      throw new PrimaryError("bad_credentials", "no user of this primary has multifactor authentication");
    }
    const address = context.env?.incoming?.socket.remoteAddress ?? "local";
    const key = JSON.stringify([userName, address]);
    const nowMs = clock.nowMs();
    const waitMs = throttle.waitMs(key, nowMs);
    if (waitMs > 0) {
      log.warn({ userName, address }, "login.throttled");
      throw new PrimaryError(
        "bad_credentials",
        `too many failed logins: wait ${Math.ceil(waitMs / 1000)} s before the next`,
      );
    }
    // A key names its user itself; some clients write its tag for the name, some the user.
    const user = isApiKey
      ? apiKeys.userOf(password)
      : (await users.verify({ userName, password }))
        ? userName
        : undefined;
    if (user === undefined) {
      throttle.count(key, nowMs);
      log.warn({ userName, address }, "login.failed");
      throw new PrimaryError(
        "bad_credentials",
        isApiKey ? "the API key is not valid" : "the user name or the password is wrong",
      );
    }
    throttle.succeed(key);
    const token = await sessions.begin(user);
    audit.add({
      userName: user,
      category: "LOGIN",
      operation: "ACCESS",
      message: `login from ${address} by ${isApiKey ? "API key" : "password"}`,
      reason: "",
    });
    log.info({ userName: user, address }, "login.succeeded");
    setCookie(context, "Authorization", token, {
      httpOnly: true,
      secure: true,
      sameSite: "Strict",
      path: "/netbackup",
      maxAge: limits.sessionSeconds,
    });
    return context.json({ token, tokenType: "BEARER", validity: limits.sessionSeconds }, 201);
  });
}

/** `POST /logout`, behind the authentication. */
export function logoutRoutes(sessions: Sessions): ApiRoutes {
  return new Hono<ApiEnvironment>().post("/logout", (context) => {
    const { sessionId } = context.get("principal");
    if (sessionId === "")
      throw new PrimaryError("unauthenticated", "an API key has no session: revoke it instead");
    sessions.end(sessionId);
    return context.body(null, 200);
  });
}
