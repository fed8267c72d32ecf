import { median, ratiosOf, type Comparison } from "../comparison.ts";
import type { Measured, Plan } from "../plan.ts";
import type { TestBed } from "../test-bed.ts";
import type { ListTimes } from "./list-program.ts";

/** What a list of 100 may take, ms. */
const goalMs = 20;
/** What it may take to the same query and the same answer by node:sqlite. */
const ratioGoal = 3;

/** Lists of 100 of a million jobs and images by filter, through the primary's API in one process, and by bare node:sqlite. */
export async function measureLists(bed: TestBed, plan: Plan): Promise<Measured> {
  const rows = plan.listedRows;
  plan.say(`lists: of ${rows.toLocaleString("en")} jobs and images`);
  await using program = await bed.start("primary/list-program.ts", "lists", { rows });
  const { times } = await program.ask({ rounds: plan.listRounds });
  const lists = JSON.parse(String(times)) as ListTimes[];
  const medians = lists.map(({ ours }) => median(ours));
  const slowest: Comparison = {
    what: `lists of 100 of ${rows.toLocaleString("en")} by filter: the slowest of those below, to the goal`,
    ours: `${Math.max(...medians).toFixed(1)} ms`,
    peer: `${goalMs} ms`,
    ratios: [Math.max(...medians) / goalMs],
    goal: { atMost: 1 },
  };
  const each = lists.map(({ name, ours, answer, query }): Comparison => ({
    what: `100 ${name}, to bare node:sqlite and JSON.stringify of the same answer`,
    ours: `${median(ours).toFixed(2)} ms`,
    peer: `${median(answer).toFixed(2)} ms (its rows alone ${median(query).toFixed(2)} ms)`,
    ratios: ratiosOf(ours, answer),
    goal: { atMost: ratioGoal },
  }));
  const comparisons = [slowest, ...each];
  return { comparisons, missing: [], versions: {} };
}
