import Table from "cli-table3";

/** Prints a line for the user. */
export function printLine(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a value as JSON, for programs. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

/** Prints rows under a head; says `empty` when there are none. */
export function printTable(head: string[], rows: string[][], empty: string): void {
  if (rows.length === 0) {
    printLine(empty);
    return;
  }
  const plain = !process.stdout.isTTY || process.env["NO_COLOR"] !== undefined;
  const table = new Table({ head, ...(plain ? { style: { head: [], border: [] } } : {}) });
  table.push(...rows.map((row) => row.map(visible)));
  printLine(table.toString());
}

/** A text of another machine, without the control characters that must not reach the terminal. */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters that it is about
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "\u{fffd}");
}
