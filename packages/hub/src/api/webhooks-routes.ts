import { createRoute, z } from "@hono/zod-openapi";
import { requireRole, requireWholeHub, type Caller, type Role } from "../access/roles.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { fromCursor, pageQuery, toPage } from "./paging.ts";
import {
  createdWebhookSchema,
  deliveriesQuerySchema,
  deliveryListSchema,
  deliverySchema,
  newWebhookSchema,
  replayedSchema,
  replaySchema,
  rotateSecretSchema,
  testedWebhookSchema,
  webhookListSchema,
  webhookPatchSchema,
  webhookSchema,
} from "./webhooks-schemas.ts";

const path = "/api/v1/webhooks";
const params = z.object({ id: z.string() });
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });
const body = <T extends z.ZodType>(schema: T) => ({ required: true, content: json(schema) });
const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  200: { description, content: json(schema) },
  ...problemResponses,
});

const list = createRoute({
  method: "get",
  path,
  request: { query: z.strictObject(pageQuery) },
  responses: answer("Webhooks, in the order in which they were made", webhookListSchema),
});
const create = createRoute({
  method: "post",
  path,
  request: { body: body(newWebhookSchema) },
  responses: {
    201: { description: "Made, with the secret that verifies it", content: json(createdWebhookSchema) },
    ...problemResponses,
  },
});
const get = createRoute({
  method: "get",
  path: `${path}/{id}`,
  request: { params },
  responses: answer("One webhook", webhookSchema),
});
const change = createRoute({
  method: "patch",
  path: `${path}/{id}`,
  request: { params, body: body(webhookPatchSchema) },
  responses: answer("As it is now; it holds for events from now on", webhookSchema),
});
const remove = createRoute({
  method: "delete",
  path: `${path}/{id}`,
  request: { params },
  responses: { 204: { description: "Removed, with all that waited for it" }, ...problemResponses },
});
const rotate = createRoute({
  method: "post",
  path: `${path}/{id}/secret`,
  request: { params, body: body(rotateSecretSchema) },
  responses: {
    201: {
      description: "The new secret; the old one signs too for a while",
      content: json(createdWebhookSchema),
    },
    ...problemResponses,
  },
});
const deliveries = createRoute({
  method: "get",
  path: `${path}/{id}/deliveries`,
  request: { params, query: deliveriesQuerySchema },
  responses: answer("What is on its way, and what lately was; newest first", deliveryListSchema),
});
const redeliver = createRoute({
  method: "post",
  path: `${path}/{id}/deliveries/{deliveryId}/redeliver`,
  request: { params: z.object({ id: z.string(), deliveryId: z.string() }) },
  responses: answer("It is made again, at once where nothing of its subject waits", deliverySchema),
});
const replay = createRoute({
  method: "post",
  path: `${path}/{id}/replay`,
  request: { params, body: body(replaySchema) },
  responses: answer("The events of the range that the webhook wants are sent once more", replayedSchema),
});
const test = createRoute({
  method: "post",
  path: `${path}/{id}/test`,
  request: { params },
  responses: answer("What became of one event `sallyport.webhook.test`", testedWebhookSchema),
});

/** Adds the routes of webhooks. They belong to the whole hub; their URLs may be secrets, so that viewers don't see them. */
export function addWebhooksRoutes(app: ApiApp, webhooks: Webhooks): void {
  app.openapi(list, (c) => {
    requireForHub(c.var.caller, "operator");
    const { limit, cursor } = c.req.valid("query");
    const after = cursor === undefined ? 0 : Number(fromCursor(cursor, 1)[0]);
    const page = toPage(webhooks.list(after, limit + 1), limit, ({ position }) => [position]);
    return c.json({ data: page.data.map(({ webhook }) => webhook), next: page.next }, 200);
  });
  app.openapi(create, async (c) => {
    requireForHub(c.var.caller, "administrator");
    const made = await webhooks.create(c.req.valid("json"));
    c.set("auditTarget", `/webhooks/${made.id}`);
    return c.json(made, 201);
  });
  app.openapi(get, (c) => {
    requireForHub(c.var.caller, "operator");
    return c.json(webhooks.get(c.req.valid("param").id), 200);
  });
  app.openapi(change, async (c) => {
    requireForHub(c.var.caller, "administrator");
    return c.json(await webhooks.change(c.req.valid("param").id, c.req.valid("json")), 200);
  });
  app.openapi(remove, async (c) => {
    requireForHub(c.var.caller, "administrator");
    await webhooks.remove(c.req.valid("param").id);
    return c.body(null, 204);
  });
  app.openapi(rotate, async (c) => {
    requireForHub(c.var.caller, "administrator");
    return c.json(await webhooks.rotate(c.req.valid("param").id, c.req.valid("json").overlapMs), 201);
  });
  app.openapi(deliveries, (c) => {
    requireForHub(c.var.caller, "operator");
    const { limit, cursor, state } = c.req.valid("query");
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(fromCursor(cursor, 1)[0]);
    const found = webhooks.deliveries(c.req.valid("param").id, state, before, limit + 1);
    return c.json(
      toPage(found, limit, ({ id }) => [Number(id)]),
      200,
    );
  });
  app.openapi(redeliver, (c) => {
    requireForHub(c.var.caller, "operator");
    const { id, deliveryId } = c.req.valid("param");
    return c.json(webhooks.redeliver(id, deliveryId), 200);
  });
  app.openapi(replay, async (c) => {
    requireForHub(c.var.caller, "operator");
    const { from, to } = c.req.valid("json");
    return c.json({ queued: await webhooks.replay(c.req.valid("param").id, from, to) }, 200);
  });
  app.openapi(test, async (c) => {
    requireForHub(c.var.caller, "operator");
    return c.json(await webhooks.test(c.req.valid("param").id), 200);
  });
}

function requireForHub(caller: Caller, role: Role): void {
  requireRole(caller, role);
  requireWholeHub(caller);
}
