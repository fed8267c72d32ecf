import type { AlertCondition } from "../api/alerts-schemas.ts";
import type { resolutions } from "./alert-events.ts";
import { keyOf, type AlertRuleRecord } from "./alerts-view.ts";
import { findingsOf, targetOf } from "./findings.ts";

/** A primary, as far as alerts look at it. */
export interface WatchedPrimary {
  id: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  isConnected: boolean;
  /** The last sign of life, epoch ms; null when there never was one. */
  lastSeenMs: number | null;
  /** The newest gap in what it has told; null when none is known. */
  lastGap: { atMs: number; message: string; advice: string } | null;
}

/** A client and policy of a primary, and its last good backup. */
export interface WatchedBackup {
  primaryId: string;
  client: string;
  policy: string;
  /** When it started, epoch ms; null when none is known. */
  goodMs: number | null;
  /** Since when the hub knows of any backup of it, epoch ms; looked at when none was good. */
  knownSinceMs: number;
}

/** What is the case. */
export interface Facts {
  primaries: ReadonlyMap<string, WatchedPrimary>;
  /** At least those without a good backup for as long as any rule says, and those that open alerts are about. */
  backups: readonly WatchedBackup[];
  /** Since when what was received is not shown, or waits to be stored, epoch ms; null when nothing does. */
  behindSinceMs: number | null;
  /**
   * Since when the hub has been able to see all this without a break, epoch ms: what it would have seen before, it may only not have
   * been there for.
   */
  watchingSinceMs: number;
}

/** An alert that is open. */
export interface OpenAlert {
  id: string;
  ruleId: string;
  target: string;
  kind: AlertCondition["kind"];
  primaryId: string | null;
  message: string;
}

/** What is evaluated. */
export interface Evaluation {
  rules: readonly AlertRuleRecord[];
  open: readonly OpenAlert[];
  /** Until when nothing is raised, ISO 8601, by `keyOf`. */
  mutes: ReadonlyMap<string, string>;
  facts: Facts;
  nowMs: number;
  /** How long the hub watches before it takes backups for missing, ms: primaries first send what they have kept. */
  graceMs: number;
  /** Alerts that may be open. */
  maxOpen: number;
}

/** An alert that is to be raised. */
export interface Raise {
  rule: AlertRuleRecord;
  target: string;
  primaryId: string | null;
  message: string;
  advice: string;
}

/** An alert that is over. */
export interface Resolve {
  alert: OpenAlert;
  reason: (typeof resolutions)[number];
}

/** What has to change. */
export interface Transitions {
  raise: Raise[];
  resolve: Resolve[];
  /** How many could not be raised because too many are open. */
  notRaised: number;
}

/** What has to be raised and resolved. Nothing else decides: the same state, facts and time give the same. */
export function evaluate(evaluation: Evaluation): Transitions {
  const { rules, open, mutes, nowMs, maxOpen, facts } = evaluation;
  const openByKey = new Map(open.map((alert) => [keyOf(alert), alert]));
  const rulesById = new Map(rules.map((rule) => [rule.id, rule]));
  const raise: Raise[] = [];
  const resolve: Resolve[] = [];
  const watched = new Set<string>();
  for (const rule of rules) {
    if (!rule.enabled) continue;
    for (const { state, target, primaryId, message, advice } of findingsOf(rule.condition, evaluation)) {
      const key = keyOf({ ruleId: rule.id, target });
      watched.add(key);
      const alert = openByKey.get(key);
      if (alert !== undefined && state === "good") resolve.push({ alert, reason: "mended" });
      if (alert !== undefined || state !== "bad") continue;
      const mutedUntil = mutes.get(key);
      if (mutedUntil !== undefined && Date.parse(mutedUntil) > nowMs) continue;
      raise.push({ rule, target, primaryId, message, advice });
    }
  }
  for (const alert of open) {
    if (!watched.has(keyOf(alert))) resolve.push({ alert, reason: reasonOf(alert, rulesById, facts) });
  }
  const room = Math.max(0, maxOpen - open.length + resolve.length);
  return { raise: raise.slice(0, room), resolve, notRaised: Math.max(0, raise.length - room) };
}

/** Why a rule no longer looks at what an alert is about. */
function reasonOf(
  alert: OpenAlert,
  rules: ReadonlyMap<string, AlertRuleRecord>,
  facts: Facts,
): Resolve["reason"] {
  const rule = rules.get(alert.ruleId);
  if (rule === undefined) return "rule_deleted";
  if (alert.primaryId !== null && !facts.primaries.has(alert.primaryId)) return "primary_deleted";
  const isKnown = facts.backups.some((backup) => targetOf(backup) === alert.target);
  if (rule.enabled && rule.condition.kind === "no_good_backup" && !isKnown) return "forgotten";
  return "rule_changed";
}
