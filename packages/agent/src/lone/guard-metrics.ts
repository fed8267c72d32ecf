import type { GuardFigures } from "../guard/guard-administration.ts";
import type { Metric } from "./metric.ts";

/** What is measured of guard and audit. Labels are names that the administrator gave to rules and budgets, never anything of a command. */
export function guardMetrics(figures: GuardFigures): Metric[] {
  const { byRule, counts, budgets, audit, checkpointed } = figures;
  const one = (value: number | undefined): Metric["samples"] => [[{}, value]];
  const flag = (problem: string | undefined) => one(problem === undefined ? 0 : 1);
  return [
    {
      name: "sallyport_agent_guard_decisions_total",
      type: "counter",
      help: "Commands that a rule or budget has decided, by its name and by outcome: allowed, denied, held, approvedSent, budgetExceeded.",
      samples: byRule.map(({ rule, outcome, commands }) => [{ rule, outcome }, commands]),
    },
    {
      name: "sallyport_agent_guard_refused_total",
      type: "counter",
      help: "Commands that were refused for another reason than a rule: a ticket that does not fit, a bound, or an audit that can't be written.",
      samples: [
        [{ why: "not_possible" }, counts["refused"]],
        [{ why: "audit_failed" }, counts["auditFailed"]],
      ],
    },
    {
      name: "sallyport_agent_guard_open_tickets",
      type: "gauge",
      help: "Commands that wait for approval, or were approved and not yet sent again.",
      samples: one(figures.openTickets),
    },
    {
      name: "sallyport_agent_guard_max_open_tickets",
      type: "gauge",
      help: "At this number more are refused with 429.",
      samples: one(figures.maxOpenTickets),
    },
    {
      name: "sallyport_agent_guard_budget_spent",
      type: "gauge",
      help: "What was spent of a budget in its last hours.",
      samples: budgets.map(({ name: budget, kind, spent }) => [{ budget, kind }, spent]),
    },
    {
      name: "sallyport_agent_guard_budget_most",
      type: "gauge",
      help: "What may be spent of a budget in its hours.",
      samples: budgets.map(({ name: budget, kind, most }) => [{ budget, kind }, most]),
    },
    {
      name: "sallyport_agent_guard_rules_refused",
      type: "gauge",
      help: "1 while the rules file as it is now can't be used, and the rules before it are in force.",
      samples: flag(figures.rulesProblem),
    },
    {
      name: "sallyport_agent_audit_entries_total",
      type: "counter",
      help: "Entries that the audit ever had.",
      samples: one(audit.entries),
    },
    {
      name: "sallyport_agent_audit_bytes",
      type: "gauge",
      help: "Bytes of the audit's files that are kept.",
      samples: one(audit.bytes),
    },
    {
      name: "sallyport_agent_audit_checkpoint_age_seconds",
      type: "gauge",
      help: "Since the last signed checkpoint of the audit; there is none while nothing is to be vouched for.",
      samples: one(checkpointed.agoSeconds),
    },
    {
      name: "sallyport_agent_audit_unvouched_entries",
      type: "gauge",
      help: "Entries since the last signed checkpoint; within a minute they get one.",
      samples: one(checkpointed.entriesSince),
    },
    {
      name: "sallyport_agent_audit_failing",
      type: "gauge",
      help: "1 while the audit can't be written, and nothing but reading goes through.",
      samples: flag(figures.auditProblem),
    },
  ];
}
