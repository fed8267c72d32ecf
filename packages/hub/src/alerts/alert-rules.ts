import type { z } from "zod";
import type { newAlertRuleSchema } from "../api/alerts-schemas.ts";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { Views } from "../views/views.ts";
import type { AlertRecord, AlertRuleRecord, AlertsView } from "./alerts-view.ts";

/** What a rule is made of. */
export type NewAlertRule = z.output<typeof newAlertRuleSchema>;

/** What making and changing rules needs. */
export interface AlertRulesOptions {
  alerts: Pick<AlertsView, "rules" | "rule" | "get" | "hasEverHadRules">;
  views: Pick<Views, "requireCurrent">;
  recorder: Pick<Recorder, "record" | "append" | "eventOf">;
  newId: () => string;
  maxRules: number;
}

const everywhere = { labels: {}, primaries: [] };

/** The rules of a new hub. */
const firstRules: readonly AlertRuleRecord[] = [
  {
    id: "primary-silent",
    name: "Primary silent for an hour",
    condition: { kind: "primary_silent", minutes: 60, ...everywhere },
    enabled: true,
    createdAt: "",
  },
  {
    id: "no-good-backup",
    name: "No good backup for 26 hours",
    condition: { kind: "no_good_backup", hours: 26, ...everywhere },
    enabled: true,
    createdAt: "",
  },
  {
    id: "notifications-missing",
    name: "Notifications are missing",
    condition: { kind: "notifications_missing", hours: 24, ...everywhere },
    enabled: true,
    createdAt: "",
  },
  {
    id: "inbox-behind",
    name: "Notifications wait for a minute",
    condition: { kind: "inbox_behind", seconds: 60 },
    enabled: true,
    createdAt: "",
  },
];

/** Makes, changes and removes rules, and acknowledges alerts. Each change is an event. */
export class AlertRules {
  readonly #options: AlertRulesOptions;
  /** Rules that are on their way into the log. */
  #underway = 0;

  constructor(options: AlertRulesOptions) {
    this.#options = options;
  }

  /** Makes the first rules of a hub that has never had any; one that had and has none any more is left alone. */
  async ensureFirst(): Promise<void> {
    const { alerts, recorder } = this.#options;
    if (alerts.hasEverHadRules) return;
    await recorder.append(
      firstRules.map(({ id, name, condition, enabled }) => {
        const data = { id, name, condition, enabled };
        const event = recorder.eventOf("sallyport.alert-rule.created", subjectOf(id), data);
        return { ...event, id: `alert-rule.${id}` };
      }),
    );
  }

  /** @throws HubError `limit_reached`, `views_behind`, `log_failed` or `log_busy` */
  async create(rule: NewAlertRule): Promise<AlertRuleRecord> {
    const { alerts, views, recorder, newId, maxRules } = this.#options;
    views.requireCurrent();
    if (alerts.rules().length + this.#underway >= maxRules) {
      throw new HubError("limit_reached", `there are ${maxRules} alert rules already; remove one first`);
    }
    const id = newId();
    this.#underway += 1;
    try {
      await recorder.record("sallyport.alert-rule.created", subjectOf(id), { id, ...rule });
    } finally {
      this.#underway -= 1;
    }
    return this.require(id);
  }

  /** @throws HubError `no_such_alert_rule`, `views_behind`, `log_failed` or `log_busy` */
  async change(id: string, patch: Partial<NewAlertRule>): Promise<AlertRuleRecord> {
    const { views, recorder } = this.#options;
    views.requireCurrent();
    const { name, condition, enabled } = this.require(id);
    const data = {
      id,
      name: patch.name ?? name,
      condition: patch.condition ?? condition,
      enabled: patch.enabled ?? enabled,
    };
    await recorder.record("sallyport.alert-rule.changed", subjectOf(id), data);
    return this.require(id);
  }

  /** Removes a rule; its open alerts are resolved with the next look. @throws HubError as `change` */
  async remove(id: string): Promise<void> {
    const { views, recorder } = this.#options;
    views.requireCurrent();
    this.require(id);
    await recorder.record("sallyport.alert-rule.deleted", subjectOf(id), { id });
  }

  /**
   * Notes that somebody looks after an alert.
   * @param muteUntil ISO 8601; until then it is not raised again when it comes back; undefined ends a mute
   * @throws HubError `views_behind`, `log_failed` or `log_busy`
   */
  async acknowledge(alert: AlertRecord, by: string, muteUntil: string | undefined): Promise<AlertRecord> {
    const { views, recorder, alerts } = this.#options;
    views.requireCurrent();
    const mutedUntil = muteUntil === undefined ? null : new Date(muteUntil).toISOString();
    const subject = alert.primaryId === null ? "/hub" : `/primaries/${alert.primaryId}`;
    await recorder.record("sallyport.alert.acknowledged", subject, { id: alert.id, by, mutedUntil });
    return alerts.get(alert.id) ?? alert;
  }

  /** @throws HubError `no_such_alert_rule` */
  require(id: string): AlertRuleRecord {
    const rule = this.#options.alerts.rule(id);
    if (rule === undefined) throw new HubError("no_such_alert_rule", "there is no alert rule of this id");
    return rule;
  }
}

function subjectOf(id: string): string {
  return `/alert-rules/${id}`;
}
