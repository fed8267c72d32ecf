import { createRoute } from "@hono/zod-openapi";
import { requireRole } from "../access/roles.ts";
import { listAudit, type AuditListOptions } from "../audit/audit-list.ts";
import { auditListSchema, auditQuerySchema } from "./access-schemas.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { fromCursor, toCursor } from "./paging.ts";

const list = createRoute({
  method: "get",
  path: "/api/v1/audit",
  request: { query: auditQuerySchema },
  responses: {
    200: {
      description:
        "Who did what, newest first. A page may be short although there are more: go on while `next` is given",
      content: { "application/json": { schema: auditListSchema } },
    },
    ...problemResponses,
  },
});

/** Adds the list of the audit, for operators and administrators. */
export function addAuditRoutes(app: ApiApp, options: AuditListOptions): void {
  app.openapi(list, async (c) => {
    requireRole(c.var.caller, "operator");
    const { cursor, ...query } = c.req.valid("query");
    const [before] = cursor === undefined ? [Infinity] : fromCursor(cursor, 1);
    const page = await listAudit(options, c.var.caller, { ...query, before: Number(before) });
    const next = page.next === undefined ? null : toCursor([page.next]);
    return c.json({ data: page.data, next }, 200);
  });
}
