/** Prints a line for the user. */
export function printLine(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a value as JSON, for programs. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}
