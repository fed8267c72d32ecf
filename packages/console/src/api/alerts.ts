import type { Alert, AlertRule } from "@sallyport/hub";
import { request } from "./client.ts";
import { listQuery, type ListParameters } from "./list.ts";

/** Alerts, newest first. */
export const alertsQuery = (filters: ListParameters) => listQuery<Alert>("/alerts", filters);
/** What the hub watches for. */
export const alertRulesQuery = listQuery<AlertRule>("/alert-rules");

/** Says that somebody looks after an alert. @param muteUntil ISO 8601; nobody is told about it before */
export async function acknowledgeAlert(id: string, muteUntil?: string): Promise<void> {
  const body = muteUntil === undefined ? {} : { muteUntil };
  await request(`/alerts/${encodeURIComponent(id)}/acknowledge`, { method: "POST", body });
}

/** Adds a rule. */
export async function addAlertRule(rule: Pick<AlertRule, "name" | "condition">): Promise<void> {
  await request("/alert-rules", { method: "POST", body: rule });
}

/** Switches a rule on or off. */
export async function setAlertRuleEnabled(id: string, enabled: boolean): Promise<void> {
  await request(`/alert-rules/${encodeURIComponent(id)}`, { method: "PATCH", body: { enabled } });
}

/** Removes a rule; its open alerts are resolved. */
export async function removeAlertRule(id: string): Promise<void> {
  await request(`/alert-rules/${encodeURIComponent(id)}`, { method: "DELETE" });
}
