import type { CheckDescription, CheckResult, Progress, Report } from "@sallyport/conformance";
import { printJson, printLine, printTable, visible } from "./print.ts";

const words = { pass: "pass", fail: "FAIL", skip: "skip" } as const;

/** Prints a line for each check while a suite runs; to standard error where standard output is for JSON. */
export class CheckPrinter implements Progress {
  readonly #print: (text: string) => void;
  #position = "";

  constructor(json: boolean) {
    this.#print = json ? (text) => process.stderr.write(`${text}\n`) : printLine;
  }

  started(_check: CheckDescription, { number, of }: { number: number; of: number }): void {
    this.#position = `${String(number).padStart(String(of).length)}/${of}`;
  }

  finished({ id, outcome, durationMs }: CheckResult): void {
    this.#print(`${this.#position} ${words[outcome]} ${id} (${durationMs} ms)`);
  }

  waiting(forWhat: string): void {
    this.#print(`      now ${forWhat}`);
  }
}

/** Prints a report: a table of all checks, what went wrong, and the sum. */
export function printReport(report: Report, json: boolean): void {
  if (json) {
    printJson(report);
    return;
  }
  printLine();
  printTable(
    ["result", "level", "check", "rule", "source"],
    report.results.map(({ outcome, level, id, rule, source }) => [words[outcome], level, id, rule, source]),
    "No check was run.",
  );
  for (const result of report.results) printDetails(result);
  const { passed, failedMust, failedShould, skipped } = report.summary;
  printLine();
  printLine(
    `${passed} passed, ${failedMust} MUST failed, ${failedShould} SHOULD failed, ${skipped} skipped: ${visible(report.peer)} ${
      failedMust === 0 ? "keeps what was tried of NBWSS 1.0." : "does not keep NBWSS 1.0."
    }`,
  );
}

function printDetails(result: CheckResult): void {
  if (result.outcome === "skip") printLine(`skip ${result.id}: ${visible(result.reason)}`);
  if (result.outcome !== "fail") return;
  printLine(`FAIL ${result.id} (${result.level}): ${result.rule}`);
  printLine(`  expected  ${visible(result.expected)}`);
  printLine(`  came      ${visible(result.came)}`);
}

/** Prints what a suite would check. */
export function printChecks(checks: readonly CheckDescription[], json: boolean): void {
  const rows = checks.map(({ id, rule, source, level, needs }) => ({ id, level, rule, source, needs }));
  if (json) {
    printJson(rows);
    return;
  }
  printTable(
    ["level", "check", "rule", "source", "needs"],
    rows.map(({ id, level, rule, source, needs = "" }) => [level, id, rule, source, needs]),
    "There is no such check.",
  );
}
