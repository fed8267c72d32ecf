import type { CheckDescription, Report } from "@sallyport/conformance";
import type { Command } from "commander";
import { Failure } from "../failure.ts";
import { printChecks, printReport } from "../output/conformance-report.ts";

/** What both suites are asked for. */
export interface SuiteOptions {
  only?: string;
  list: boolean;
  slow: boolean;
  json: boolean;
}

/** Adds the options of both suites. */
export function withSuiteOptions(command: Command): Command {
  return command
    .option("--only <pattern>", "only the checks whose name holds this, or matches it with *")
    .option("--list", "list the checks and run none", false)
    .option("--slow", "run those too that wait for minutes", false)
    .option("--json", "print the report as JSON; progress goes to standard error", false);
}

/** Prints the checks where only they are asked for. @returns whether that was all @throws Failure when there are none */
export function hasListed(selected: readonly CheckDescription[], options: SuiteOptions): boolean {
  if (selected.length === 0) {
    throw new Failure(`no check has a name like "${options.only ?? ""}"; see them with --list`, {
      exitCode: 2,
    });
  }
  if (options.list) printChecks(selected, options.json);
  return options.list;
}

/** Prints the report; the exit code is 1 when a MUST failed. */
export function finish(report: Report, { json }: SuiteOptions): void {
  printReport(report, json);
  if (report.summary.failedMust > 0) process.exitCode = 1;
}

/** Reads a whole number from 1 on. */
export function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Failure(`"${text}" is no whole number from 1 on`, { exitCode: 2 });
  return Number(text);
}

/** Reads seconds, as ms. */
export function seconds(text: string): number {
  const number = /^\d{1,5}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (number === 0) throw new Failure(`"${text}" is no number of seconds`, { exitCode: 2 });
  return Math.ceil(number * 1000);
}
