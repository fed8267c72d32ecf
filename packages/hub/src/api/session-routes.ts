import { createRoute } from "@hono/zod-openapi";
import { sessionIdOf, type Access } from "../access/access.ts";
import type { Sessions } from "../access/sessions.ts";
import type { SignIn } from "../access/sign-in.ts";
import { newSessionSchema, sessionMethodsSchema, sessionSchema } from "./access-schemas.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { endSessionCookie, setSessionCookie } from "./session-cookie.ts";

/** Where signing in by an OpenID provider begins. */
export const oidcStartPath = "/api/v1/session/oidc/start";

/** Where the provider sends people back to. */
export const oidcCallbackPath = "/api/v1/session/oidc/callback";

/** What the routes need. */
export interface SessionRoutesOptions {
  access: Pick<Access, "requireOwnOrigin">;
  signIn: SignIn;
  sessions: Pick<Sessions, "end">;
  /** Whether anybody could sign in with a password. */
  hasUsers: () => boolean;
  /** The OpenID provider, if there is one. */
  oidc: { label: string } | undefined;
  sessionMaxAgeS: number;
}

const path = "/api/v1/session";
const json = "application/json";
const start = createRoute({
  method: "post",
  path,
  security: [],
  request: { body: { required: true, content: { [json]: { schema: newSessionSchema } } } },
  responses: { 204: { description: "Signed in; the cookie carries the session" }, ...problemResponses },
});
const show = createRoute({
  method: "get",
  path,
  responses: {
    200: { description: "Who is signed in", content: { [json]: { schema: sessionSchema } } },
    ...problemResponses,
  },
});
const end = createRoute({
  method: "delete",
  path,
  responses: { 204: { description: "Signed out" }, ...problemResponses },
});
const methods = createRoute({
  method: "get",
  path: `${path}/methods`,
  security: [],
  responses: {
    200: { description: "The ways to sign in", content: { [json]: { schema: sessionMethodsSchema } } },
    ...problemResponses,
  },
});

/** Adds the console's session: ways to sign in, start, show, end. */
export function addSessionRoutes(app: ApiApp, options: SessionRoutesOptions): void {
  const { access, signIn, sessions, hasUsers, oidc, sessionMaxAgeS } = options;
  app.openapi(start, async (c) => {
    // Nobody else's page may sign a browser in.
    access.requireOwnOrigin(c.env.incoming, false);
    const id = await signIn.start(c.req.valid("json"), c.env.incoming, c.var);
    c.header("Set-Cookie", setSessionCookie(id, sessionMaxAgeS));
    return c.body(null, 204);
  });
  app.openapi(show, (c) => {
    const { kind, id, name, role, scope } = c.var.caller;
    return c.json({ kind, id, name, role, scope }, 200);
  });
  app.openapi(end, (c) => {
    const id = sessionIdOf(c.env.incoming);
    if (id !== undefined) sessions.end(id);
    c.header("Set-Cookie", endSessionCookie);
    return c.body(null, 204);
  });
  app.openapi(methods, (c) => {
    const button = oidc === undefined ? null : { label: oidc.label, startUrl: oidcStartPath };
    return c.json({ apiKey: true as const, password: hasUsers(), oidc: button }, 200);
  });
}
