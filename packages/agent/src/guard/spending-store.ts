import type { Database } from "@sallyport/durable";
import type { Spending } from "./budgets.ts";
import { rulesBounds, type BudgetKind } from "./rules.ts";

const hourMs = 3_600_000;
/** Amounts are kept for each minute, so that the table has a bound whatever happens. */
const minuteMs = 60_000;

const migrations = [
  `CREATE TABLE guard_spending (
     minute INTEGER NOT NULL,
     kind TEXT NOT NULL,
     group_id TEXT NOT NULL,
     amount INTEGER NOT NULL,
     PRIMARY KEY (minute, kind, group_id)
   ) STRICT, WITHOUT ROWID`,
];

/** What commands have spent of the budgets; survives restarts. */
export class SpendingStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("guard-spending", migrations);
  }

  /** How much was spent in the last `hours`, by the minute; by all groups when none are named. */
  spent(kind: BudgetKind, hours: number, groups: readonly string[] | undefined, nowMs: number): number {
    // A clock that was set back must not give a budget back: what lies in the future counts too.
    const since = Math.floor((nowMs - hours * hourMs) / minuteMs);
    const rows = this.#database
      .prepare(
        "SELECT group_id AS groupId, sum(amount) AS amount FROM guard_spending WHERE kind = ? AND minute >= ? GROUP BY group_id",
      )
      .all(kind, since);
    return rows
      .filter(({ groupId }) => groups === undefined || groups.includes(String(groupId)))
      .reduce((sum, { amount }) => sum + Number(amount), 0);
  }

  /** Adds what a command spends; it is on disk when this returns. A negative factor gives it back. */
  spend(spending: Spending, groupId: string, nowMs: number, factor: 1 | -1 = 1): void {
    const minute = Math.floor(nowMs / minuteMs);
    this.#database.transaction(() => {
      this.#database
        .prepare("DELETE FROM guard_spending WHERE minute < ?")
        .run(Math.floor((nowMs - (rulesBounds.maxBudgetHours + 1) * hourMs) / minuteMs));
      const add = this.#database.prepare(
        `INSERT INTO guard_spending VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET amount = amount + excluded.amount`,
      );
      for (const [kind, amount] of Object.entries(spending)) {
        if (typeof amount === "number") add.run(minute, kind, groupId, Math.round(amount) * factor);
      }
    });
  }
}
