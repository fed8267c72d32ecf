import { z } from "zod";
import type { Clock } from "@sallyport/nbwss";
import type { AuditLog } from "../audit/audit-log.ts";
import { checkInput } from "../endpoints/details.ts";
import type { AgentLimits } from "../limits.ts";
import { explainDecision, type ExplainedDecision } from "./explain.ts";
import type { Guard } from "./guard.ts";
import type { RuleCount } from "./guard-counters.ts";
import type { RulesFile } from "./rules-file.ts";
import type { GuardBudget, GuardRule } from "./rules.ts";
import { requireUsable, type Ticket, type TicketState } from "./ticket.ts";

/** What the guard's administration works on. */
export interface GuardAdministrationOptions {
  guard: Guard;
  rules: RulesFile;
  audit: AuditLog;
  limits: AgentLimits;
  clock: Clock;
}

/** How the guard stands. */
export interface GuardStatus {
  rulesFrom: string;
  /** Why the rules file as it is now is not in force; the rules before it still are. */
  rulesProblem: string | undefined;
  /** Why the audit can't be written; then nothing but reading goes through. */
  auditProblem: string | undefined;
  /** Entries that there ever were, and bytes and files that are kept. */
  audit: { entries: number; bytes: number; files: number };
  openTickets: number;
  counts: Readonly<Record<string, number>>;
}

/** What is measured of guard and audit. */
export interface GuardFigures extends GuardStatus {
  byRule: readonly RuleCount[];
  maxOpenTickets: number;
  budgets: readonly BudgetStatus[];
  checkpointed: AuditLog["checkpointed"];
}

/** A budget with what was spent of it. */
export interface BudgetStatus extends GuardBudget {
  spent: number;
}

const verdict = z.object({
  by: z.string().min(1).max(200).optional(),
  comment: z.string().min(1).max(500).optional(),
});
const states = z.enum(["HELD", "APPROVED", "REFUSED", "EXPIRED", "RUNNING", "DONE", "LOST"]);
/** What an administrator asks of the guard, and tells it, on premises. */
export class GuardAdministration {
  readonly #options: GuardAdministrationOptions;

  constructor(options: GuardAdministrationOptions) {
    this.#options = options;
  }

  status(): GuardStatus {
    const { guard, rules, audit, clock } = this.#options;
    return {
      rulesFrom: rules.current.source,
      rulesProblem: rules.problem,
      auditProblem: audit.problem,
      audit: audit.extent,
      openTickets: guard.tickets.openCount(clock.now()),
      counts: guard.counters.values,
    };
  }

  /** All that is measured. */
  figures(): GuardFigures {
    const { guard, audit, limits } = this.#options;
    const { byRule } = guard.counters;
    const { maxOpenTickets } = limits;
    const { budgets } = this.rules();
    return { ...this.status(), byRule, maxOpenTickets, budgets, checkpointed: audit.checkpointed };
  }

  /** The rules in force, in the order in which they are looked at, and the budgets. */
  rules(): { source: string; otherwise: string; rules: readonly GuardRule[]; budgets: BudgetStatus[] } {
    const { guard, rules, clock } = this.#options;
    const { source, otherwise, budgets } = rules.current;
    return {
      source,
      otherwise,
      rules: rules.current.rules,
      budgets: budgets.map((budget) => ({
        ...budget,
        spent: guard.spending.spent(budget.kind, budget.hours, budget.groups, clock.now()),
      })),
    };
  }

  /** @throws AgentError `invalid_details` */
  list(state: string | undefined): Ticket[] {
    const wanted: TicketState[] =
      state === undefined ? [] : [checkInput(states, state.toUpperCase(), "state")];
    const { guard, limits, clock } = this.#options;
    return guard.tickets.list(wanted, limits.maxOpenTickets + limits.maxEndedTickets, clock.now());
  }

  /** @throws AgentError `ticket_unknown` */
  get(id: string): Ticket {
    return this.#options.guard.tickets.get(id, this.#options.clock.now());
  }

  /**
   * Approves a held command: from now on it may be sent again once, with its ticket.
   * @param person who is logged in, where that is known; otherwise `by` of the body says who it is
   * @throws AgentError `ticket_unknown`, `ticket_not_held`, `invalid_details`, `audit_failed`
   */
  approve(id: string, body: unknown, person: string | undefined): Promise<Ticket> {
    return this.#decide(id, "APPROVED", body, person);
  }

  /** Refuses a held command. @throws AgentError as `approve` does */
  refuse(id: string, body: unknown, person: string | undefined): Promise<Ticket> {
    return this.#decide(id, "REFUSED", body, person);
  }

  /**
   * What would become of a command now, or at another time; nothing is done.
   * @throws AgentError `invalid_details`
   */
  test(body: unknown): ExplainedDecision {
    return explainDecision(this.#options.rules.current, body, this.#options.clock.now());
  }

  async #decide(
    id: string,
    state: "APPROVED" | "REFUSED",
    body: unknown,
    person: string | undefined,
  ): Promise<Ticket> {
    const { guard, audit, clock, rules } = this.#options;
    const { by: given, comment } = checkInput(verdict, body, "request");
    const by = person ?? given ?? "an administrator";
    const ticket = guard.tickets.get(id, clock.now());
    requireUsable(ticket, state === "APPROVED" ? "approve" : "refuse");
    const { groupId, method, uri, rule, requestHash } = ticket;
    await audit.record({
      kind: state === "APPROVED" ? "ticket.approved" : "ticket.refused",
      groupId,
      method,
      uri,
      rule,
      requestHash,
      by,
      ticket: id,
      reason: comment,
    });
    const lifeMs = rules.current.ticketLifeMs;
    return guard.tickets.decide(id, { state, by, comment, lifeMs }, clock.now());
  }
}
