import Table from "cli-table3";
import { printLine } from "./print-line.ts";

export { printJson, printLine } from "./print-line.ts";

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

// oxlint-disable-next-line no-control-regex -- these are the characters that it is about
const misleading = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A text of another machine, without what must not reach the terminal: control characters, and such as show a text in another order or hide it. */
export function visible(text: string): string {
  return text.replaceAll(misleading, "\u{fffd}");
}
