import { z } from "@hono/zod-openapi";
import { listOf, momentQuery, pageQuery } from "./paging.ts";

/** What an alert rule watches. */
export const alertKinds = ["no_good_backup", "primary_silent", "inbox_behind"] as const;

const name = z.string().trim().min(1).max(128);
const filter = {
  /** Only primaries with all of these labels. */
  labels: z.record(z.string(), z.string()).default({}),
  /** Only these primaries. */
  primaries: z.array(z.string().max(64)).max(1_000).default([]),
};

/** What to watch, and for how long it may be missing. */
export const alertConditionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("no_good_backup"),
    hours: z.int().min(1).max(100_000),
    policy: z.string().max(256).optional(),
    client: z.string().max(256).optional(),
    ...filter,
  }),
  z.strictObject({ kind: z.literal("primary_silent"), minutes: z.int().min(1).max(1_000_000), ...filter }),
  z.strictObject({ kind: z.literal("inbox_behind"), seconds: z.int().min(1).max(1_000_000) }),
]);

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
