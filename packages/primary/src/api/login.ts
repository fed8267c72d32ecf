import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import type { Logger } from "pino";
import { z } from "zod";
import { LoginThrottle } from "../access/login-throttle.ts";
import type { Sessions } from "../access/sessions.ts";
import type { Users } from "../access/users.ts";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";

const loginSchema = z.object({
  userName: z.string().min(1).max(256),
  password: z.string().min(1).max(1024),
  // Clients send any case, their own words, or nothing: there is one domain.
  domainType: z.string().max(64).nullish(),
  domainName: z.string().max(256).nullish(),
});

/** What login works on. */
export interface LoginOptions {
  users: Users;
  sessions: Sessions;
  clock: Clock;
  log: Logger;
}

/** `POST /login` */
export function loginRoutes({ users, sessions, clock, log }: LoginOptions): ApiRoutes {
  const throttle = new LoginThrottle();
  return new Hono<ApiEnvironment>().post("/login", async (context) => {
    const { userName, password } = await readJson(context, loginSchema);
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
    if (!(await users.verify({ userName, password }))) {
      throttle.count(key, nowMs);
      log.warn({ userName, address }, "login.failed");
      throw new PrimaryError("bad_credentials", "the user name or the password is wrong");
    }
    throttle.succeed(key);
    const token = await sessions.begin(userName);
    log.info({ userName, address }, "login.succeeded");
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
    sessions.end(context.get("principal").sessionId);
    return context.body(null, 200);
  });
}
