import { z } from "@hono/zod-openapi";
import { alertConditionSchema, alertKinds } from "../alerts/alert-condition.ts";
import { listOf, momentQuery, pageQuery } from "./paging.ts";

const name = z.string().trim().min(1).max(128);
/** Body of POST /alert-rules. */
export const newAlertRuleSchema = z
  .strictObject({ name, condition: alertConditionSchema, enabled: z.boolean().default(true) })
  .openapi("NewAlertRule");
/** Body of PATCH /alert-rules/{id}. */
export const alertRulePatchSchema = z
  .strictObject({ name, condition: alertConditionSchema, enabled: z.boolean() })
  .partial()
  .openapi("AlertRulePatch");
/** An alert rule. */
export const alertRuleSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    condition: alertConditionSchema,
    enabled: z.boolean(),
    createdAt: z.string(),
  })
  .openapi("AlertRule");
export const alertRuleListSchema = listOf(alertRuleSchema).openapi("AlertRuleList");

/** Query of GET /alerts; newest first. */
export const alertsQuerySchema = z.strictObject({
  ...pageQuery,
  state: z.enum(["open", "resolved", "all"]).default("open"),
  kind: z.enum(alertKinds).optional(),
  primary: z.string().max(64).optional(),
});
/** An alert. */
export const alertSchema = z
  .object({
    id: z.string(),
    ruleId: z.string(),
    ruleName: z.string(),
    kind: z.enum(alertKinds),
    /** Null for what concerns the hub itself. */
    primaryId: z.string().nullable(),
    primaryName: z.string().nullable(),
    /** One sentence: what is missing, and since when. */
    message: z.string(),
    /** What to do about it. */
    advice: z.string(),
    raisedAt: z.string(),
    resolvedAt: z.string().nullable(),
    acknowledgedAt: z.string().nullable(),
    acknowledgedBy: z.string().nullable(),
    mutedUntil: z.string().nullable(),
  })
  .openapi("Alert");
export const alertListSchema = listOf(alertSchema).openapi("AlertList");
/** Body of POST /alerts/{id}/acknowledge. */
export const acknowledgeAlertSchema = z
  .strictObject({ muteUntil: momentQuery.optional() })
  .openapi("AcknowledgeAlert");

export type AlertRule = z.infer<typeof alertRuleSchema>;
export type AlertCondition = z.infer<typeof alertConditionSchema>;
export type Alert = z.infer<typeof alertSchema>;
