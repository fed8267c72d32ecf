import { z } from "zod";
import { alertConditionSchema, alertKinds } from "./alert-condition.ts";

const rule = z.object({
  id: z.string(),
  name: z.string(),
  condition: alertConditionSchema,
  enabled: z.boolean(),
});

/** Why an alert is over. */
export const resolutions = [
  "mended",
  "rule_changed",
  "rule_deleted",
  "primary_deleted",
  "forgotten",
] as const;

/** What every event about an alert says of it. */
const alert = z.object({
  id: z.string(),
  ruleId: z.string(),
  kind: z.enum(alertKinds),
  /** Null for what concerns the hub itself. */
  primaryId: z.string().nullable(),
  message: z.string(),
});

/** The data of the events about alerts and their rules, by type. */
export const alertEvents = {
  "sallyport.alert-rule.created": rule,
  "sallyport.alert-rule.changed": rule,
  "sallyport.alert-rule.deleted": z.object({ id: z.string() }),
  "sallyport.alert.raised": alert.extend({
    ruleName: z.string(),
    /** Tells what of a rule it is about; a rule has one open alert for each. */
    target: z.string(),
    /** What to do about it. */
    advice: z.string(),
  }),
  "sallyport.alert.resolved": alert.extend({
    /** `forgotten`: retention has left nothing of what it was about. */
    reason: z.enum(resolutions),
  }),
  "sallyport.alert.acknowledged": z.object({
    id: z.string(),
    by: z.string(),
    /** ISO 8601; until then it is not raised again. */
    mutedUntil: z.string().nullable(),
  }),
} as const;
