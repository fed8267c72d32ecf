import { createRoute, z } from "@hono/zod-openapi";
import type { ApiKeys } from "../access/api-keys.ts";
import { requireRole } from "../access/roles.ts";
import type { ApiKeyRecord } from "../views/api-keys.ts";
import {
  apiKeyListSchema,
  apiKeySchema,
  createdApiKeySchema,
  newApiKeySchema,
  type ApiKey,
} from "./access-schemas.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { fromCursor, pageQuery, toPage } from "./paging.ts";

const path = "/api/v1/api-keys";
const params = z.object({ id: z.string() });
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });

const create = createRoute({
  method: "post",
  path,
  request: { body: { required: true, content: json(newApiKeySchema) } },
  responses: {
    201: { description: "Made; the key is shown this once", content: json(createdApiKeySchema) },
    ...problemResponses,
  },
});
const list = createRoute({
  method: "get",
  path,
  request: { query: z.strictObject(pageQuery) },
  responses: {
    200: { description: "API keys by name, expired ones included", content: json(apiKeyListSchema) },
    ...problemResponses,
  },
});
const get = createRoute({
  method: "get",
  path: `${path}/{id}`,
  request: { params },
  responses: { 200: { description: "One API key", content: json(apiKeySchema) }, ...problemResponses },
});
const revoke = createRoute({
  method: "delete",
  path: `${path}/{id}`,
  request: { params },
  responses: {
    204: { description: "Worth nothing from now on, nor the sessions started with it" },
    ...problemResponses,
  },
});

/** Adds the routes of API keys: make, list, get, revoke. For administrators, who see the keys within their own scope. */
export function addApiKeysRoutes(app: ApiApp, apiKeys: ApiKeys): void {
  app.openapi(create, async (c) => {
    requireRole(c.var.caller, "administrator");
    const { record, key } = await apiKeys.create(c.var.caller, c.req.valid("json"));
    c.set("auditTarget", `/api-keys/${record.id}`);
    return c.json({ ...toApiKey(record), key }, 201);
  });
  app.openapi(list, (c) => {
    requireRole(c.var.caller, "administrator");
    const { limit, cursor } = c.req.valid("query");
    const [after] = cursor === undefined ? [null] : fromCursor(cursor, 1);
    const all = apiKeys.list(c.var.caller);
    // Names are unique.
    const rest =
      after === null
        ? all
        : all.filter(({ name }) => Buffer.compare(Buffer.from(name), Buffer.from(String(after))) > 0);
    return c.json(
      toPage(rest.slice(0, limit + 1).map(toApiKey), limit, ({ name }) => [name]),
      200,
    );
  });
  app.openapi(get, (c) => {
    requireRole(c.var.caller, "administrator");
    return c.json(toApiKey(apiKeys.get(c.var.caller, c.req.valid("param").id)), 200);
  });
  app.openapi(revoke, async (c) => {
    requireRole(c.var.caller, "administrator");
    await apiKeys.revoke(c.var.caller, c.req.valid("param").id);
    return c.body(null, 204);
  });
}

function toApiKey({
  id,
  name,
  role,
  scope,
  createdAt,
  expiresAt,
  lastUsedAt,
  lastUsedFrom,
}: ApiKeyRecord): ApiKey {
  return { id, name, role, scope, createdAt, expiresAt, lastUsedAt, lastUsedFrom };
}
