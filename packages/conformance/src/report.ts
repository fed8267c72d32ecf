import type { CheckDescription } from "./check.ts";

/** How a check ended. */
export type Finding =
  | { outcome: "pass" }
  | { outcome: "fail"; expected: string; came: string }
  | { outcome: "skip"; reason: string };

/** A check and how it ended. */
export type CheckResult = CheckDescription & Finding & { durationMs: number };

/** All checks of a run. */
export interface Report {
  suite: "endpoint" | "service";
  /** The peer, as a URL. */
  peer: string;
  results: CheckResult[];
  summary: { passed: number; failedMust: number; failedShould: number; skipped: number };
}

/** Counts the results. */
export function makeReport(suite: Report["suite"], peer: string, results: CheckResult[]): Report {
  const count = (condition: (result: CheckResult) => boolean) => results.filter(condition).length;
  const summary = {
    passed: count(({ outcome }) => outcome === "pass"),
    failedMust: count(({ outcome, level }) => outcome === "fail" && level === "MUST"),
    failedShould: count(({ outcome, level }) => outcome === "fail" && level === "SHOULD"),
    skipped: count(({ outcome }) => outcome === "skip"),
  };
  return { suite, peer, results, summary };
}
