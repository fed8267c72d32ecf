import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import { requireRole } from "../access/roles.ts";
import type { Registry } from "../connections/registry.ts";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { TimelineView } from "../views/timeline.ts";
import type { WarningsView } from "../views/warnings.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { fromCursor, pageQuery, toPage } from "./paging.ts";
import { timelineSchema, warningSchema } from "./primaries-schemas.ts";
import { toTimelineEntry } from "./timeline-entry.ts";

/** What the routes need. */
export interface PrimaryHistoryRoutesOptions {
  access: Pick<Access, "requirePrimary">;
  timeline: TimelineView;
  warnings: WarningsView;
  recorder: Pick<Recorder, "record">;
  registry: Pick<Registry, "forgetSharing">;
}

const params = z.object({ id: z.string() });
const tags = ["primaries"];

const timelineRoute = createRoute({
  method: "get",
  path: "/api/v1/primaries/{id}/timeline",
  tags,
  summary: "What happened to a primary's connections, the newest first, and why",
  request: { params, query: z.strictObject(pageQuery) },
  responses: {
    200: {
      description: "One page; the hub keeps the newest 200 of its connections and 50 of the rest",
      content: { "application/json": { schema: timelineSchema } },
    },
    ...problemResponses,
  },
});
const acknowledge = createRoute({
  method: "post",
  path: "/api/v1/primaries/{id}/warnings/{kind}/acknowledge",
  tags,
  summary: "End a warning that is understood; it comes back when it is noticed again",
  request: { params: params.extend({ kind: warningSchema.shape.kind }) },
  responses: { 204: { description: "Ended" }, ...problemResponses },
});

/** Adds the routes that explain how a primary's connections came to be as they are. */
export function addPrimaryHistoryRoutes(app: ApiApp, options: PrimaryHistoryRoutesOptions): void {
  const { access, timeline, warnings, recorder, registry } = options;
  app.openapi(timelineRoute, (c) => {
    const { id } = access.requirePrimary(c.var.caller, c.req.valid("param").id);
    const { limit, cursor } = c.req.valid("query");
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(fromCursor(cursor, 1)[0]);
    const { data, next } = toPage(timeline.page(id, before, limit + 1), limit, ({ position }) => [position]);
    return c.json({ data: data.map(toTimelineEntry), next }, 200);
  });
  app.openapi(acknowledge, async (c) => {
    requireRole(c.var.caller, "operator");
    const { id, kind } = c.req.valid("param");
    access.requirePrimary(c.var.caller, id);
    const warning = warnings.listOf(id).find((one) => one.kind === kind);
    if (warning === undefined) throw new HubError("not_found", "this primary has no such warning");
    await recorder.record("sallyport.primary.warning.acknowledged", `/primaries/${id}`, { id, kind });
    registry.forgetSharing(warning.tokenId);
    return c.body(null, 204);
  });
}
