import { Hono } from "hono";
import type { Session, Sessions } from "../access/sessions.ts";
import type { Users } from "../access/users.ts";
import type { Clock } from "../clock.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { linksOf, paginationOf, readPage } from "./pagination.ts";

/** What the routes of sessions work on. */
export interface SessionRoutesOptions {
  sessions: Sessions;
  users: Users;
  clock: Clock;
  primaryName: string;
}

/** Who is signed in: `/authorization-context`, `/self-profile`, `/user-sessions`. */
export function sessionRoutes({ sessions, users, clock, primaryName }: SessionRoutesOptions): ApiRoutes {
  const iso = (epochMs: number) => new Date(epochMs).toISOString();
  return new Hono<ApiEnvironment>()
    .get("/authorization-context", (context) => {
      const { userName, sessionId } = context.get("principal");
      const session = sessions.find(sessionId);
      const issuedAtMs = session?.signedInAtMs ?? clock.nowMs();
      const attributes = {
        subject: `${primaryName}:${userName}:unixpwd`,
        issuer: primaryName,
        issuedAt: iso(issuedAtMs),
        expireDate: iso(session?.expiresAtMs ?? issuedAtMs + limits.sessionSeconds * 1000),
        isAdmin: true,
        isMachine: false,
        permissions: [],
      };
      const relationships = {
        authContextRoles: { data: [{ id: "Administrator", type: "authContextRole" }] },
      };
      const links = { self: { href: "/authorization-context" } };
      const id = sessionId === "" ? userName : sessionId;
      return context.json({ data: { type: "authorizationContext", id, links, attributes, relationships } });
    })
    .get("/self-profile", (context) => {
      const { userName } = context.get("principal");
      const { createdAtMs, lastLoginAtMs } = users.times(userName);
      const attributes = {
        userName,
        userDomainName: primaryName,
        userDomainType: "UNIXPWD",
        emailId: "",
        emailNotificationFlag: 0,
        roleFlag: 0,
        userId: userName,
        lastLoginDateTime: iso(lastLoginAtMs),
        lastModifiedDateTime: iso(createdAtMs),
        createdDateTime: iso(createdAtMs),
      };
      const links = { self: { href: "/self-profile" } };
      return context.json({ data: { type: "userProfileResponse", id: userName, links, attributes } });
    })
    .get("/user-sessions", (context) => {
      const all = sessions.list();
      const page = readPage((name) => context.req.query(name), limits.maxPageItems);
      const pagination = paginationOf(all.length, page);
      const data = all
        .slice(page.offset, page.offset + page.limit)
        .map((session) => resource(session, primaryName));
      return context.json({ data, meta: { pagination }, links: linksOf(context.req.url, pagination) });
    })
    .delete("/user-sessions", (context) => {
      sessions.endAll();
      return context.body(null, 204);
    });
}

function resource(session: Session, primaryName: string) {
  return {
    type: "user-session-v4",
    id: session.sessionId,
    attributes: {
      userName: session.userName,
      domainName: primaryName,
      domainType: "unixpwd",
      sessionId: session.sessionId,
      expiresAt: new Date(session.expiresAtMs).toISOString(),
      signedInAt: new Date(session.signedInAtMs).toISOString(),
    },
  };
}
