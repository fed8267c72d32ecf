import type { Clock } from "@sallyport/nbwss";
import { findingOf, type Check, type CheckDescription } from "./check.ts";
import type { CheckResult, Finding } from "./report.ts";

/** What a run tells while it goes on. */
export interface Progress {
  started?(check: CheckDescription, position: { number: number; of: number }): void;
  finished?(result: CheckResult): void;
  /** The operator (or a test) has to do something now, such as have the cloud application call a path. */
  waiting?(forWhat: string): void;
}

/** How checks are run. */
export interface RunOptions {
  clock: Clock;
  /** Runs only the checks whose id holds this text, or matches it as a pattern with `*`. */
  only?: string | undefined;
  /** Why a check can't be run in this run; undefined when it can. */
  skipReason(check: CheckDescription): string | undefined;
  progress?: Progress | undefined;
}

/** The checks that `only` means. @returns all when it is undefined; the one of exactly this name when there is one */
export function selectChecks<T extends CheckDescription>(checks: readonly T[], only?: string): T[] {
  if (only === undefined) return [...checks];
  const exact = checks.filter(({ id }) => id === only);
  if (exact.length > 0) return exact;
  const parts = only.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  const pattern = only.includes("*") ? new RegExp(`^${parts.join(".*")}$`) : undefined;
  return checks.filter(({ id }) => pattern?.test(id) ?? id.includes(only));
}

/** Runs the checks one after the other: a peer has one token, and a second connection takes over from the first. */
export async function runChecks<Peer>(
  checks: readonly Check<Peer>[],
  peer: Peer,
  options: RunOptions,
): Promise<CheckResult[]> {
  const { clock, progress } = options;
  const selected = selectChecks(checks, options.only);
  const results: CheckResult[] = [];
  for (const check of selected) {
    const { id, rule, source, level, needs } = check;
    const description = { id, rule, source, level, ...(needs === undefined ? {} : { needs }) };
    progress?.started?.(description, { number: results.length + 1, of: selected.length });
    const sinceMs = clock.now();
    const reason = options.skipReason(description);
    const finding: Finding = reason === undefined ? await runOne(check, peer) : { outcome: "skip", reason };
    const result = { ...description, ...finding, durationMs: clock.now() - sinceMs };
    results.push(result);
    progress?.finished?.(result);
  }
  return results;
}

async function runOne<Peer>(check: Check<Peer>, peer: Peer): Promise<Finding> {
  try {
    await check.run(peer);
    return { outcome: "pass" };
  } catch (error) {
    return findingOf(error);
  }
}
