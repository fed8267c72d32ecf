import { createRoute } from "@hono/zod-openapi";
import { sessionCookie, sessionIdOf, type Access } from "../access/access.ts";
import type { Sessions } from "../access/sessions.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { newSessionSchema, sessionSchema } from "./schemas.ts";

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

/** Adds the console's session: start, show, end. */
export function addSessionRoutes(app: ApiApp, access: Access, sessions: Sessions, maxAgeS: number): void {
  const attributes = "Path=/; HttpOnly; Secure; SameSite=Strict";
  app.openapi(start, (c) => {
    // Nobody else's page may sign a browser in.
    access.requireOwnOrigin(c.env.incoming, false);
    const caller = access.identifyKey(c.req.valid("json").apiKey, c.env.incoming);
    c.header(
      "Set-Cookie",
      `${sessionCookie}=${sessions.start(caller.id)}; Max-Age=${maxAgeS}; ${attributes}`,
    );
    return c.body(null, 204);
  });
  app.openapi(show, (c) => {
    const { name, role } = c.var.caller;
    return c.json({ name, role }, 200);
  });
  app.openapi(end, (c) => {
    const id = sessionIdOf(c.env.incoming);
    if (id !== undefined) sessions.end(id);
    c.header("Set-Cookie", `${sessionCookie}=; Max-Age=0; ${attributes}`);
    return c.body(null, 204);
  });
}
