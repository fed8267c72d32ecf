const names = [
  "allowed",
  "denied",
  "held",
  "approvedSent",
  "budgetExceeded",
  "refused",
  "auditFailed",
] as const;

/** What the guard counts since its start. */
export type GuardCount = (typeof names)[number];

/** How many commands a rule or budget has decided in one way. */
export interface RuleCount {
  rule: string;
  outcome: GuardCount;
  commands: number;
}

/** Rules that are counted one by one; a file has fewer, but it may be changed often. What others decide is counted together. */
const maxCountedRules = 500;
const others = "other rules";

/** How many commands came to which end since the start, in all and by the rule or budget that decided. */
export class GuardCounters {
  readonly #counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<GuardCount, number>;
  readonly #byRule = new Map<string, Map<GuardCount, number>>();

  /** @param rule what decided, where it was a rule or budget */
  count(name: GuardCount, rule?: string): void {
    this.#counts[name] += 1;
    if (rule === undefined) return;
    const counted = this.#byRule.has(rule) || this.#byRule.size < maxCountedRules ? rule : others;
    const ofRule = this.#byRule.get(counted) ?? new Map<GuardCount, number>();
    this.#byRule.set(counted, ofRule.set(name, (ofRule.get(name) ?? 0) + 1));
  }

  /** A copy. */
  get values(): Readonly<Record<GuardCount, number>> {
    return { ...this.#counts };
  }

  /** By rule and end, those that there were; of at most some hundred rules. */
  get byRule(): RuleCount[] {
    return [...this.#byRule].flatMap(([rule, ofRule]) =>
      [...ofRule].map(([outcome, commands]) => ({ rule, outcome, commands })),
    );
  }
}
