import { createRoute, z } from "@hono/zod-openapi";
import { sessionIdOf } from "../access/access.ts";
import { requireRole } from "../access/roles.ts";
import type { Users } from "../access/users.ts";
import type { UserRecord } from "../views/users.ts";
import {
  newPasswordSchema,
  newUserSchema,
  userListSchema,
  userPatchSchema,
  userSchema,
  type User,
} from "./access-schemas.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { fromCursor, pageQuery, toPage } from "./paging.ts";

const path = "/api/v1/users";
const params = z.object({ id: z.string() });
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });

const create = createRoute({
  method: "post",
  path,
  request: { body: { required: true, content: json(newUserSchema) } },
  responses: { 201: { description: "Made", content: json(userSchema) }, ...problemResponses },
});
const list = createRoute({
  method: "get",
  path,
  request: { query: z.strictObject(pageQuery) },
  responses: { 200: { description: "Users by login", content: json(userListSchema) }, ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: `${path}/{id}`,
  request: { params },
  responses: { 200: { description: "One user", content: json(userSchema) }, ...problemResponses },
});
const change = createRoute({
  method: "patch",
  path: `${path}/{id}`,
  request: { params, body: { required: true, content: json(userPatchSchema) } },
  responses: {
    200: { description: "Changed; it holds from the user's next request on", content: json(userSchema) },
    ...problemResponses,
  },
});
const remove = createRoute({
  method: "delete",
  path: `${path}/{id}`,
  request: { params },
  responses: { 204: { description: "Removed; their sessions have ended" }, ...problemResponses },
});
const setPassword = createRoute({
  method: "post",
  path: `${path}/{id}/password`,
  request: { params, body: { required: true, content: json(newPasswordSchema) } },
  responses: { 204: { description: "Set; the user's other sessions have ended" }, ...problemResponses },
});

/** Adds the routes of users. For administrators, who see the users within their own scope; everybody sees and may change their own. */
export function addUsersRoutes(app: ApiApp, users: Users): void {
  app.openapi(create, async (c) => {
    requireRole(c.var.caller, "administrator");
    const user = await users.create(c.var.caller, c.req.valid("json"));
    c.set("auditTarget", `/users/${user.id}`);
    return c.json(toUser(user), 201);
  });
  app.openapi(list, (c) => {
    requireRole(c.var.caller, "administrator");
    const { limit, cursor } = c.req.valid("query");
    const [after] = cursor === undefined ? [null] : fromCursor(cursor, 1);
    const all = users.list(c.var.caller);
    const rest = after === null ? all : all.filter(({ login }) => login.toLowerCase() > String(after));
    const page = toPage(rest.slice(0, limit + 1).map(toUser), limit, ({ login }) => [login.toLowerCase()]);
    return c.json(page, 200);
  });
  app.openapi(get, (c) => {
    const { id } = c.req.valid("param");
    const { caller } = c.var;
    if (caller.kind !== "user" || caller.id !== id) requireRole(caller, "administrator");
    return c.json(toUser(users.get(caller, id)), 200);
  });
  app.openapi(change, async (c) => {
    requireRole(c.var.caller, "administrator");
    const { id } = c.req.valid("param");
    return c.json(toUser(await users.change(c.var.caller, id, c.req.valid("json"))), 200);
  });
  app.openapi(remove, async (c) => {
    requireRole(c.var.caller, "administrator");
    await users.remove(c.var.caller, c.req.valid("param").id);
    return c.body(null, 204);
  });
  app.openapi(setPassword, async (c) => {
    const { remoteAddress, caller } = c.var;
    const origin = { remoteAddress, sessionId: sessionIdOf(c.env.incoming) };
    await users.setPassword(caller, c.req.valid("param").id, c.req.valid("json"), origin);
    return c.body(null, 204);
  });
}

function toUser({ id, login, name, role, scope, disabled, createdAt, lastSignInAt }: UserRecord): User {
  return { id, login, name, role, scope, disabled, createdAt, lastSignInAt };
}
