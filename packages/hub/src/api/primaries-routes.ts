import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import { requireRole, requireWholeHub } from "../access/roles.ts";
import type { Registry } from "../connections/registry.ts";
import type { Enrolment } from "../enrolment/enrolment.ts";
import type { PrimariesView } from "../views/primaries.ts";
import type { PrimariesSort } from "../views/primaries-page.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { fromCursor, toPage } from "./paging.ts";
import {
  enrolledPrimarySchema,
  newPrimarySchema,
  primariesQuerySchema,
  primariesSummaryQuerySchema,
  primariesSummarySchema,
  primaryListSchema,
  primaryPatchSchema,
  primarySummarySchema,
} from "./primaries-schemas.ts";
import { toPrimarySummary, type SummarySources } from "./primary-summary.ts";

/** What the routes need. */
export interface PrimariesRoutesOptions extends SummarySources {
  access: Pick<Access, "requirePrimary">;
  enrolment: Enrolment;
  primaries: PrimariesView;
  registry: Registry;
}

const params = z.object({ id: z.string() });
const tags = ["primaries"];
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });

const enrol = createRoute({
  method: "post",
  path: "/api/v1/primaries",
  tags,
  summary: "Enrol a primary",
  request: { body: { required: true, content: json(newPrimarySchema) } },
  responses: {
    201: { description: "Enrolled; the token is shown this once", content: json(enrolledPrimarySchema) },
    ...problemResponses,
  },
});
const list = createRoute({
  method: "get",
  path: "/api/v1/primaries",
  tags,
  summary: "List primaries",
  request: { query: primariesQuerySchema },
  responses: {
    200: { description: "One page of the primaries that match", content: json(primaryListSchema) },
    ...problemResponses,
  },
});
const summary = createRoute({
  method: "get",
  path: "/api/v1/primaries/summary",
  tags,
  summary: "Count primaries by the state of their connection",
  request: { query: primariesSummaryQuerySchema },
  responses: {
    200: { description: "How many of those that match there are", content: json(primariesSummarySchema) },
    ...problemResponses,
  },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/primaries/{id}",
  tags,
  summary: "Show a primary",
  request: { params },
  responses: {
    200: { description: "One primary", content: json(primarySummarySchema) },
    ...problemResponses,
  },
});
const change = createRoute({
  method: "patch",
  path: "/api/v1/primaries/{id}",
  tags,
  summary: "Rename a primary, set its labels or its dialect",
  request: { params, body: { required: true, content: json(primaryPatchSchema) } },
  responses: {
    200: { description: "The primary as it is now", content: json(primarySummarySchema) },
    ...problemResponses,
  },
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/primaries/{id}",
  tags,
  summary: "Remove a primary",
  request: { params },
  responses: { 204: { description: "Removed; its connections are cut" }, ...problemResponses },
});

/** Adds the routes of primaries: enrol, list, count, show, change, remove. */
export function addPrimariesRoutes(app: ApiApp, options: PrimariesRoutesOptions): void {
  const { access, enrolment, primaries, registry } = options;
  app.openapi(enrol, async (c) => {
    requireRole(c.var.caller, "administrator");
    requireWholeHub(c.var.caller);
    const enrolled = await enrolment.enrol(c.req.valid("json"));
    c.set("auditTarget", `/primaries/${enrolled.id}`);
    return c.json(enrolled, 201);
  });
  app.openapi(list, (c) => {
    const { limit, cursor, q, label = [], state, sort } = c.req.valid("query");
    const descending = sort.startsWith("-");
    const found = primaries.page({
      scope: c.var.caller.scope,
      q,
      labels: label,
      state,
      live: registry.livePrimaries(),
      sort: (descending ? sort.slice(1) : sort) as PrimariesSort,
      descending,
      after: cursor === undefined ? undefined : toAfter(cursor),
      limit,
    });
    const { data, next } = toPage(found, limit, ({ sortKey, id }) => [sortKey, id]);
    return c.json({ data: data.map((primary) => toPrimarySummary(primary, options)), next }, 200);
  });
  app.openapi(summary, (c) => {
    const { q, label = [] } = c.req.valid("query");
    const { scope } = c.var.caller;
    const counts = primaries.counts({ scope, q, labels: label, live: registry.livePrimaries() });
    const of = (state: string) => counts.get(state) ?? 0;
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const [connected, stale] = [of("connected"), of("stale")];
    return c.json({ total, connected, stale, disconnected: of("disconnected"), never: of("never") }, 200);
  });
  app.openapi(get, (c) => {
    const primary = access.requirePrimary(c.var.caller, c.req.valid("param").id);
    return c.json(toPrimarySummary(primary, options), 200);
  });
  app.openapi(change, async (c) => {
    requireRole(c.var.caller, "administrator");
    const { id } = access.requirePrimary(c.var.caller, c.req.valid("param").id);
    const wanted = c.req.valid("json");
    // Labels decide who may see it: whoever is held within some must not move it in or out.
    if (wanted.labels !== undefined) requireWholeHub(c.var.caller);
    return c.json(toPrimarySummary(await enrolment.change(id, wanted), options), 200);
  });
  app.openapi(remove, async (c) => {
    requireRole(c.var.caller, "administrator");
    await enrolment.remove(access.requirePrimary(c.var.caller, c.req.valid("param").id).id);
    return c.body(null, 204);
  });
}

function toAfter(cursor: string): [sortKey: string, id: string] {
  const [sortKey, id] = fromCursor(cursor, 2);
  return [String(sortKey), String(id)];
}
