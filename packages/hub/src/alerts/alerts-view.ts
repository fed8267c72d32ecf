import type { Database } from "@sallyport/durable";
import type { AlertCondition } from "../api/alerts-schemas.ts";
import type { StoredEvent } from "../log/log.ts";
import type { KnownData, KnownEvent } from "../log/known-events.ts";
import type { View } from "../views/views.ts";

/** A rule: what to watch. */
export interface AlertRuleRecord {
  id: string;
  name: string;
  condition: AlertCondition;
  enabled: boolean;
  /** ISO 8601. */
  createdAt: string;
}

/** An alert, open or resolved. */
export interface AlertRecord {
  /** Where the log says that it was raised; alerts are in this order. */
  position: number;
  id: string;
  ruleId: string;
  ruleName: string;
  kind: AlertCondition["kind"];
  target: string;
  primaryId: string | null;
  message: string;
  advice: string;
  raisedAt: string;
  resolvedAt: string | null;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  mutedUntil: string | null;
}

/** Which alerts are wanted, newest first. */
export interface AlertsAsked {
  state: "open" | "resolved" | "all";
  kind?: string | undefined;
  /** Of these primaries; "all" includes what concerns the hub itself. */
  ids: "all" | readonly string[];
  /** Only those raised before this position. */
  before: number;
  limit: number;
}

/** Resolved alerts that are shown; the one resolved first is forgotten first. All of them stay in the log. */
export const keptResolvedAlerts = 10_000;

/** Alert rules, and the alerts that they have raised: what is open outlives a restart because it is folded from the log. */
export class AlertsView implements View {
  readonly schema = `CREATE TABLE alert_rules (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    condition TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE alert_rules_made (ever INTEGER NOT NULL) STRICT;
  INSERT INTO alert_rules_made VALUES (0);
  CREATE TABLE alerts (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    rule_id TEXT NOT NULL,
    rule_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    primary_id TEXT,
    message TEXT NOT NULL,
    advice TEXT NOT NULL,
    raised_at TEXT NOT NULL,
    resolved_at TEXT,
    resolved_position INTEGER,
    acknowledged_at TEXT,
    acknowledged_by TEXT,
    muted_until TEXT
  ) STRICT;
  CREATE UNIQUE INDEX alerts_open ON alerts (rule_id, target) WHERE resolved_at IS NULL;
  CREATE INDEX alerts_resolved ON alerts (resolved_position) WHERE resolved_at IS NOT NULL;
  CREATE TABLE alert_mutes (
    rule_id TEXT NOT NULL,
    target TEXT NOT NULL,
    primary_id TEXT,
    until TEXT NOT NULL,
    PRIMARY KEY (rule_id, target)
  ) STRICT, WITHOUT ROWID;`;
  #database: Database | undefined;
  #statements: ReturnType<typeof prepare> | undefined;

  attach(database: Database): void {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /** All rules by name. */
  rules(): AlertRuleRecord[] {
    return (this.#sql.rules.all() as unknown as RuleRow[]).map(toRule);
  }

  rule(id: string): AlertRuleRecord | undefined {
    const row = this.#sql.rule.get(id) as unknown as RuleRow | undefined;
    return row === undefined ? undefined : toRule(row);
  }

  /** Whether there has ever been a rule. */
  get hasEverHadRules(): boolean {
    return this.#sql.hasHadRules.get()?.["ever"] === 1;
  }

  /** All alerts that are open. */
  open(): AlertRecord[] {
    return (this.#sql.open.all() as unknown as AlertRow[]).map(toAlert);
  }

  /** How many are open, by kind. */
  openByKind(): Map<string, number> {
    return new Map(this.#sql.openByKind.all().map(({ kind, count }) => [String(kind), Number(count)]));
  }

  get(id: string): AlertRecord | undefined {
    const row = this.#sql.get.get(id) as unknown as AlertRow | undefined;
    return row === undefined ? undefined : toAlert(row);
  }

  list({ state, kind, ids, before, limit }: AlertsAsked): AlertRecord[] {
    const conditions = ["position < ?"];
    const values: (string | number)[] = [before];
    if (state !== "all") conditions.push(`resolved_at IS ${state === "open" ? "NULL" : "NOT NULL"}`);
    if (kind !== undefined) {
      conditions.push("kind = ?");
      values.push(kind);
    }
    if (ids !== "all") {
      conditions.push("primary_id IN (SELECT value FROM json_each(?))");
      values.push(JSON.stringify(ids));
    }
    const where = conditions.join(" AND ");
    const rows = this.#database
      ?.prepare(`SELECT * FROM alerts WHERE ${where} ORDER BY position DESC LIMIT ?`)
      .all(...values, limit);
    return ((rows ?? []) as unknown as AlertRow[]).map(toAlert);
  }

  /** Until when nothing is raised, ISO 8601, by rule and target (`keyOf`). */
  mutes(): Map<string, string> {
    const rows = this.#sql.mutes.all() as { rule_id: string; target: string; until: string }[];
    return new Map(rows.map(({ rule_id: ruleId, target, until }) => [keyOf({ ruleId, target }), until]));
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    switch (known?.type) {
      case "sallyport.alert-rule.created":
        this.#sql.noteRule.run();
        this.#putRule(known.data, event.time);
        return;
      case "sallyport.alert-rule.changed":
        this.#putRule(known.data, event.time);
        return;
      case "sallyport.alert-rule.deleted":
        this.#sql.removeRule.run(known.data.id);
        this.#sql.removeRuleMutes.run(known.data.id);
        return;
      case "sallyport.alert.raised":
        this.#raise(event, known.data);
        return;
      case "sallyport.alert.resolved":
        this.#resolve(event, known.data);
        return;
      case "sallyport.alert.acknowledged":
        this.#acknowledge(event, known.data);
        return;
      case "sallyport.primary.deleted":
        // Its open ones stay until they are resolved, which is an event too.
        this.#sql.removeResolvedOf.run(known.data.id);
        this.#sql.removePrimaryMutes.run(known.data.id);
        return;
      default:
    }
  }

  #putRule(data: KnownData<"sallyport.alert-rule.created">, time: string): void {
    const { id, name, condition, enabled } = data;
    this.#sql.putRule.run(id, name, JSON.stringify(condition), enabled ? 1 : 0, time);
  }

  #raise(event: StoredEvent, data: KnownData<"sallyport.alert.raised">): void {
    const { id, ruleId, ruleName, kind, target, primaryId, message, advice } = data;
    const what = [id, ruleId, ruleName, kind, target, primaryId, message, advice] as const;
    this.#sql.raise.run(event.position, ...what, event.time);
  }

  #resolve(event: StoredEvent, { id, reason }: KnownData<"sallyport.alert.resolved">): void {
    if (reason === "primary_deleted") {
      this.#sql.remove.run(id);
      return;
    }
    this.#sql.resolve.run(event.time, event.position, id);
    this.#sql.forget.run(keptResolvedAlerts);
  }

  #acknowledge(event: StoredEvent, data: KnownData<"sallyport.alert.acknowledged">): void {
    const { id, by, mutedUntil } = data;
    const found = this.#sql.get.get(id) as unknown as AlertRow | undefined;
    if (found === undefined) return;
    this.#sql.acknowledge.run(event.time, by, mutedUntil, id);
    this.#sql.removeOldMutes.run(event.time);
    const { rule_id: ruleId, target, primary_id: primaryId } = found;
    if (mutedUntil === null) this.#sql.unmute.run(ruleId, target);
    else this.#sql.mute.run(ruleId, target, primaryId, mutedUntil);
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

/** Tells what of which rule something is about. */
export function keyOf({ ruleId, target }: { ruleId: string; target: string }): string {
  return `${ruleId}\n${target}`;
}

function prepare(database: Database) {
  return {
    rules: database.prepare("SELECT * FROM alert_rules ORDER BY name, id"),
    rule: database.prepare("SELECT * FROM alert_rules WHERE id = ?"),
    hasHadRules: database.prepare("SELECT ever FROM alert_rules_made"),
    noteRule: database.prepare("UPDATE alert_rules_made SET ever = 1"),
    putRule: database.prepare(
      `INSERT INTO alert_rules VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       name = excluded.name, condition = excluded.condition, enabled = excluded.enabled`,
    ),
    removeRule: database.prepare("DELETE FROM alert_rules WHERE id = ?"),
    removeRuleMutes: database.prepare("DELETE FROM alert_mutes WHERE rule_id = ?"),
    open: database.prepare("SELECT * FROM alerts WHERE resolved_at IS NULL ORDER BY position"),
    openByKind: database.prepare(
      "SELECT kind, count(*) AS count FROM alerts WHERE resolved_at IS NULL GROUP BY kind",
    ),
    get: database.prepare("SELECT * FROM alerts WHERE id = ?"),
    mutes: database.prepare("SELECT * FROM alert_mutes"),
    raise: database.prepare(
      `INSERT INTO alerts (position, id, rule_id, rule_name, kind, target, primary_id, message, advice, raised_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    resolve: database.prepare(
      "UPDATE alerts SET resolved_at = ?, resolved_position = ? WHERE id = ? AND resolved_at IS NULL",
    ),
    remove: database.prepare("DELETE FROM alerts WHERE id = ?"),
    forget: database.prepare(
      `DELETE FROM alerts WHERE position IN (SELECT position FROM alerts WHERE resolved_at IS NOT NULL
       ORDER BY resolved_position DESC LIMIT -1 OFFSET ?)`,
    ),
    acknowledge: database.prepare(
      "UPDATE alerts SET acknowledged_at = ?, acknowledged_by = ?, muted_until = ? WHERE id = ?",
    ),
    mute: database.prepare("INSERT OR REPLACE INTO alert_mutes VALUES (?, ?, ?, ?)"),
    unmute: database.prepare("DELETE FROM alert_mutes WHERE rule_id = ? AND target = ?"),
    removeOldMutes: database.prepare("DELETE FROM alert_mutes WHERE until < ?"),
    removePrimaryMutes: database.prepare("DELETE FROM alert_mutes WHERE primary_id = ?"),
    removeResolvedOf: database.prepare("DELETE FROM alerts WHERE primary_id = ? AND resolved_at IS NOT NULL"),
  };
}

interface RuleRow {
  id: string;
  name: string;
  condition: string;
  enabled: number;
  created_at: string;
}

interface AlertRow {
  position: number;
  id: string;
  rule_id: string;
  rule_name: string;
  kind: AlertCondition["kind"];
  target: string;
  primary_id: string | null;
  message: string;
  advice: string;
  raised_at: string;
  resolved_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  muted_until: string | null;
}

function toRule({ id, name, condition, enabled, created_at: createdAt }: RuleRow): AlertRuleRecord {
  return { id, name, condition: JSON.parse(condition) as AlertCondition, enabled: enabled === 1, createdAt };
}

function toAlert(row: AlertRow): AlertRecord {
  const { position, id, kind, target, message, advice } = row;
  return {
    position,
    id,
    ruleId: row.rule_id,
    ruleName: row.rule_name,
    kind,
    target,
    primaryId: row.primary_id,
    message,
    advice,
    raisedAt: row.raised_at,
    resolvedAt: row.resolved_at,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
    mutedUntil: row.muted_until,
  };
}
