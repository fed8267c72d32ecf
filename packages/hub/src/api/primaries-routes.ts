import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import { covers, requireRole, requireWholeHub } from "../access/roles.ts";
import type { Registry } from "../connections/registry.ts";
import type { Enrolment } from "../enrolment/enrolment.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import {
  enrolledPrimarySchema,
  newPrimarySchema,
  primaryListSchema,
  primarySummarySchema,
  type PrimarySummary,
} from "./schemas.ts";

/** What the routes need. */
export interface PrimariesRoutesOptions {
  access: Pick<Access, "requirePrimary">;
  enrolment: Enrolment;
  primaries: PrimariesView;
  registry: Registry;
}

const params = z.object({ id: z.string() });
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });

const enrol = createRoute({
  method: "post",
  path: "/api/v1/primaries",
  request: { body: { required: true, content: json(newPrimarySchema) } },
  responses: {
    201: { description: "Enrolled; the token is shown this once", content: json(enrolledPrimarySchema) },
    ...problemResponses,
  },
});
const list = createRoute({
  method: "get",
  path: "/api/v1/primaries",
  responses: { 200: { description: "All primaries", content: json(primaryListSchema) }, ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/primaries/{id}",
  request: { params },
  responses: {
    200: { description: "One primary", content: json(primarySummarySchema) },
    ...problemResponses,
  },
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/primaries/{id}",
  request: { params },
  responses: { 204: { description: "Removed; its connection is cut" }, ...problemResponses },
});

/** Adds the routes of primaries: enrol, list, get, remove. */
export function addPrimariesRoutes(app: ApiApp, options: PrimariesRoutesOptions): void {
  const { access, enrolment, primaries, registry } = options;
  const summaryOf = ({
    id,
    name,
    labels,
    groupId,
    priority,
    createdAt,
    ...rest
  }: PrimaryRecord): PrimarySummary => {
    const connection = registry.summaryOf({ id, name, labels, groupId, priority, createdAt, ...rest });
    return { id, name, labels, groupId, priority, createdAt, connection };
  };
  app.openapi(enrol, async (c) => {
    requireRole(c.var.caller, "administrator");
    requireWholeHub(c.var.caller);
    const enrolled = await enrolment.enrol(c.req.valid("json"));
    c.set("auditTarget", `/primaries/${enrolled.id}`);
    return c.json(enrolled, 201);
  });
  app.openapi(list, (c) => {
    const { scope } = c.var.caller;
    const visible = primaries.list().filter((primary) => covers(scope, primary));
    return c.json({ data: visible.map(summaryOf) }, 200);
  });
  app.openapi(get, (c) =>
    c.json(summaryOf(access.requirePrimary(c.var.caller, c.req.valid("param").id)), 200),
  );
  app.openapi(remove, async (c) => {
    requireRole(c.var.caller, "administrator");
    await enrolment.remove(access.requirePrimary(c.var.caller, c.req.valid("param").id).id);
    return c.body(null, 204);
  });
}
