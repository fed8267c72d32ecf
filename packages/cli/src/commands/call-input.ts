import { readFileSync } from "node:fs";
import { Failure } from "../failure.ts";

/** Headers of lines such as `NAME: VALUE`. @throws Failure for what is none */
export function headersOf(lines: string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new Failure(`--header has to be "NAME: VALUE", not "${line}"`, { exitCode: 2 });
    }
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** A body as it is given: the text itself, `@FILE` or `@-`. @throws Failure when the file can't be read */
export function bodyOf(text: string): string {
  if (!text.startsWith("@")) return text;
  const file = text.slice(1);
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new Failure(`the body can't be read: ${(error as Error).message}`, { cause: error, exitCode: 2 });
  }
}
