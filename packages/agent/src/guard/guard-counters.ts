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

/** How many commands came to which end since the start. */
export class GuardCounters {
  readonly #counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<GuardCount, number>;

  count(name: GuardCount): void {
    this.#counts[name] += 1;
  }

  /** A copy. */
  get values(): Readonly<Record<GuardCount, number>> {
    return { ...this.#counts };
  }
}
