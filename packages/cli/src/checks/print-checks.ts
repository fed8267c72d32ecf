import type { Check, CheckState } from "@sallyport/agent";
import { printJson, printLine, visible } from "../output/print.ts";

/** What all commands that check something print with `--json`. */
export interface CheckReport extends Record<CheckState, number> {
  /** No check failed. */
  ok: boolean;
  checks: readonly Check[];
}

/** Puts a report together. */
export function reportOf(checks: readonly Check[]): CheckReport {
  const count = { pass: 0, warn: 0, fail: 0, skip: 0 };
  for (const { state } of checks) count[state] += 1;
  return { ok: count.fail === 0, ...count, checks };
}

/** Prints one line for each check and one for all of them; the exit code is 1 when any has failed, else 0. */
export function reportChecks(checks: readonly Check[], json: boolean): void {
  const report = reportOf(checks);
  if (!report.ok) process.exitCode = 1;
  if (json) {
    printJson(report);
    return;
  }
  const width = Math.max(...checks.map(({ name }) => name.length));
  // What other machines said stands in these lines too.
  for (const check of checks) printLine(visible(lineOf(check, width)));
  const left = report.ok ? "" : "; what depends on a check that failed was not tried";
  const skipped = report.skip === 0 ? "" : `, ${report.skip} skipped`;
  printLine(`${report.pass} passed, ${report.warn} with a warning, ${report.fail} failed${skipped}${left}.`);
}

function lineOf({ name, subject, state, found, todo }: Check, width: number): string {
  const about = subject === undefined ? "" : `${subject}: `;
  const line = `${state.toUpperCase()}  ${name.padEnd(width)}  ${about}${found}`;
  return todo === undefined ? line : `${line}. To do: ${todo}`;
}
