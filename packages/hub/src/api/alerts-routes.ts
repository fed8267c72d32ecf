import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import { requireRole, requireWholeHub, type Caller } from "../access/roles.ts";
import type { AlertRules } from "../alerts/alert-rules.ts";
import type { AlertRecord, AlertsView } from "../alerts/alerts-view.ts";
import { HubError } from "../errors.ts";
import { primariesAsked } from "../fleet/fleet-filter.ts";
import type { PrimariesView } from "../views/primaries.ts";
import {
  acknowledgeAlertSchema,
  alertListSchema,
  alertRuleListSchema,
  alertRulePatchSchema,
  alertRuleSchema,
  alertSchema,
  alertsQuerySchema,
  newAlertRuleSchema,
  type Alert,
} from "./alerts-schemas.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { fromCursor, pageQuery, toPage } from "./paging.ts";

/** What the routes need. */
export interface AlertsRoutesOptions {
  access: Pick<Access, "visiblePrimaries">;
  primaries: Pick<PrimariesView, "get" | "list">;
  alerts: AlertsView;
  alertRules: AlertRules;
}

const params = z.object({ id: z.string() });
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });
const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  200: { description, content: json(schema) },
  ...problemResponses,
});

const listRules = createRoute({
  method: "get",
  path: "/api/v1/alert-rules",
  request: { query: z.strictObject(pageQuery) },
  responses: answer("What is watched, by name", alertRuleListSchema),
});
const createRule = createRoute({
  method: "post",
  path: "/api/v1/alert-rules",
  request: { body: { required: true, content: json(newAlertRuleSchema) } },
  responses: {
    201: { description: "Watched from now on", content: json(alertRuleSchema) },
    ...problemResponses,
  },
});
const getRule = createRoute({
  method: "get",
  path: "/api/v1/alert-rules/{id}",
  request: { params },
  responses: answer("One rule", alertRuleSchema),
});
const changeRule = createRoute({
  method: "patch",
  path: "/api/v1/alert-rules/{id}",
  request: { params, body: { required: true, content: json(alertRulePatchSchema) } },
  responses: answer("As it is now; open alerts that it no longer watches are resolved soon", alertRuleSchema),
});
const removeRule = createRoute({
  method: "delete",
  path: "/api/v1/alert-rules/{id}",
  request: { params },
  responses: {
    204: { description: "Removed; its open alerts are resolved soon" },
    ...problemResponses,
  },
});
const listAlerts = createRoute({
  method: "get",
  path: "/api/v1/alerts",
  request: { query: alertsQuerySchema },
  responses: answer("What should have happened and did not, newest first", alertListSchema),
});
const acknowledge = createRoute({
  method: "post",
  path: "/api/v1/alerts/{id}/acknowledge",
  request: { params, body: { required: true, content: json(acknowledgeAlertSchema) } },
  responses: answer("Somebody looks after it; with `muteUntil` it is not raised again before", alertSchema),
});

/** Adds the routes of alerts and their rules. Rules belong to the whole hub; an alert is seen by who sees its primary. */
export function addAlertsRoutes(app: ApiApp, options: AlertsRoutesOptions): void {
  const { alerts, alertRules, primaries } = options;
  const toAlert = ({ position: _position, target: _target, ...alert }: AlertRecord): Alert => {
    const name = alert.primaryId === null ? undefined : primaries.get(alert.primaryId)?.name;
    return { ...alert, primaryName: name ?? null };
  };
  app.openapi(listRules, (c) => {
    requireWholeHub(c.var.caller);
    const { limit, cursor } = c.req.valid("query");
    const [name = "", id = ""] = cursor === undefined ? [] : fromCursor(cursor, 2).map(String);
    const rest = alerts.rules().filter((rule) => isAfter([rule.name, rule.id], [name, id]));
    return c.json(
      toPage(rest, limit, (rule) => [rule.name, rule.id]),
      200,
    );
  });
  app.openapi(createRule, async (c) => {
    requireAdministrator(c.var.caller);
    const rule = await alertRules.create(c.req.valid("json"));
    c.set("auditTarget", `/alert-rules/${rule.id}`);
    return c.json(rule, 201);
  });
  app.openapi(getRule, (c) => {
    requireWholeHub(c.var.caller);
    return c.json(alertRules.require(c.req.valid("param").id), 200);
  });
  app.openapi(changeRule, async (c) => {
    requireAdministrator(c.var.caller);
    const { name, condition, enabled } = c.req.valid("json");
    const patch = {
      ...(name === undefined ? {} : { name }),
      ...(condition === undefined ? {} : { condition }),
      ...(enabled === undefined ? {} : { enabled }),
    };
    return c.json(await alertRules.change(c.req.valid("param").id, patch), 200);
  });
  app.openapi(removeRule, async (c) => {
    requireAdministrator(c.var.caller);
    await alertRules.remove(c.req.valid("param").id);
    return c.body(null, 204);
  });
  app.openapi(listAlerts, (c) => {
    const { limit, cursor, primary, ...query } = c.req.valid("query");
    const ids = primariesAsked(options, c.var.caller, { primary });
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(fromCursor(cursor, 1)[0]);
    const found = alerts.list({ ...query, ids, before, limit: limit + 1 });
    const { data, next } = toPage(found, limit, ({ position }) => [position]);
    return c.json({ data: data.map(toAlert), next }, 200);
  });
  app.openapi(acknowledge, async (c) => {
    const { caller } = c.var;
    requireRole(caller, "operator");
    const alert = alerts.get(c.req.valid("param").id);
    if (alert === undefined || !maySee(options, caller, alert)) {
      throw new HubError("no_such_alert", "there is no alert of this id");
    }
    const { muteUntil } = c.req.valid("json");
    return c.json(toAlert(await alertRules.acknowledge(alert, caller.name, muteUntil)), 200);
  });
}

function requireAdministrator(caller: Caller): void {
  requireRole(caller, "administrator");
  requireWholeHub(caller);
}

function maySee({ access }: AlertsRoutesOptions, caller: Caller, { primaryId }: AlertRecord): boolean {
  const visible = access.visiblePrimaries(caller);
  return visible === "all" || (primaryId !== null && visible.has(primaryId));
}

/** In the order of SQLite: by the bytes of UTF-8. */
function isAfter(key: readonly string[], end: readonly string[]): boolean {
  return Buffer.compare(Buffer.from(key.join("\0")), Buffer.from(end.join("\0"))) > 0;
}
