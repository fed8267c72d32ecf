import type { Database } from "@sallyport/durable";
import { Hono } from "hono";
import { sessionFromRow, type Session, type Sessions } from "../access/sessions.ts";
import type { Users } from "../access/users.ts";
import type { Clock } from "../clock.ts";
import { constantFlag } from "../filter/constant-field.ts";
import type { FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { listByOffset } from "./offset-list.ts";

const fields: FilterFields = {
  userName: { sql: "user_name", type: "text" },
  signedInAt: { sql: "signed_in_at_ms", type: "timeMs" },
  expiresAt: { sql: "expires_at_ms", type: "timeMs" },
  // Every user is an administrator already.
  isRoleElevated: constantFlag(false),
};

/** What the routes of sessions work on. */
export interface SessionRoutesOptions {
  database: Database;
  sessions: Sessions;
  users: Users;
  clock: Clock;
  primaryName: string;
}

/** Who is signed in: `/authorization-context`, `/self-profile`, `/user-sessions`. */
export function sessionRoutes({
  database,
  sessions,
  users,
  clock,
  primaryName,
}: SessionRoutesOptions): ApiRoutes {
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
      const { rows, ...envelope } = listByOffset({
        database,
        from: `sessions WHERE expires_at_ms > ${Math.floor(clock.nowMs())}`,
        fields,
        order: { sql: "rowid", isDescending: false },
        maxLimit: limits.maxPageItems,
        asked: context.req,
      });
      return context.json({
        data: rows.map((row) => resource(sessionFromRow(row), primaryName)),
        ...envelope,
      });
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
