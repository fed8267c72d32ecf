import { printJson, printLine, visible } from "../output/print.ts";
import { countStates, type Check } from "./check.ts";

/** Prints one line for each check and one for all of them; the exit code is 1 when any has failed. */
export function reportChecks(checks: readonly Check[], json: boolean): void {
  const count = countStates(checks);
  if (count.fail > 0) process.exitCode = 1;
  if (json) {
    printJson({ ok: count.fail === 0, ...count, checks });
    return;
  }
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, state, found, todo } of checks) {
    const line = `${state.toUpperCase()}  ${name.padEnd(width)}  ${found}`;
    // What other machines said stands in these lines too.
    printLine(visible(todo === undefined ? line : `${line}. To do: ${todo}`));
  }
  const left = count.fail === 0 ? "" : "; what depends on a check that failed was not tried";
  printLine(`${count.pass} passed, ${count.warn} with a warning, ${count.fail} failed${left}.`);
}
