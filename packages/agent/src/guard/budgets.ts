import type { BudgetKind, GuardBudget } from "./rules.ts";

/** What a command would spend; "unknown" amounts fit no budget. */
export type Spending = Readonly<Partial<Record<BudgetKind, number | "unknown">>>;

/** How much was spent of a kind in the last hours, by one group or by all. */
export type Spent = (kind: BudgetKind, hours: number, groups: readonly string[] | undefined) => number;

/** A budget that a command would exceed. */
export interface ExceededBudget {
  budget: GuardBudget;
  /** For the caller. */
  reason: string;
}

/**
 * The first budget that a command would exceed, the stricter consequence first; undefined when all cover it.
 */
export function exceededBudget(
  budgets: readonly GuardBudget[],
  spending: Spending,
  groupId: string,
  spent: Spent,
): ExceededBudget | undefined {
  const strictFirst = budgets.toSorted((a, b) => Number(b.beyond === "deny") - Number(a.beyond === "deny"));
  for (const budget of strictFirst) {
    const { kind, most, hours, groups } = budget;
    const amount = spending[kind];
    if (amount === undefined || (groups !== undefined && !groups.includes(groupId))) continue;
    const span = hours === 1 ? "hour" : `${hours} hours`;
    if (amount === "unknown") {
      return { budget, reason: `how much it does of ${kind} can't be told, and there is a budget for that` };
    }
    const before = spent(kind, hours, groups);
    if (before + amount > most) {
      return {
        budget,
        reason: `${before} of ${most} ${kind} in the last ${span} are spent, and it needs ${amount}`,
      };
    }
  }
  return undefined;
}
