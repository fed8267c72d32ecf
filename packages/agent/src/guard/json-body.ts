import { fold } from "./path-pattern.ts";

/** A body that has one reading as JSON; undefined when it has none, or more than one. */
export interface JsonBody {
  value: unknown;
}

/**
 * Reads a body as JSON, only if every reader finds the same in it: an object that has a member twice (names compared as a
 * careless reader would) means one thing to who takes the first and another to who takes the last, and a number beyond what every reader keeps
 * exactly is another one to each.
 */
export function readJsonBody(text: string): JsonBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return hasRepeatedMember(text) || hasInexactNumber(text) ? undefined : { value };
  } catch {
    return undefined;
  }
}

/** Texts are matched to be left out. */
const numbers = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs;
/** So many significant digits of a decimal number an IEEE double keeps, which many readers make of any number. */
const exactDigits = 15;

/** @param text valid JSON */
function hasInexactNumber(text: string): boolean {
  for (const [token] of text.matchAll(numbers)) {
    if (token.startsWith('"')) continue;
    const [mantissa = ""] = token.split(/e/i);
    const digits = mantissa.replaceAll(/[-.]/g, "").replace(/^0+/, "");
    const value = Number(token);
    if (!Number.isFinite(value) || (value === 0 && digits !== "")) return true;
    // One with more digits only as it would be written itself, and not where whole numbers have holes.
    const isExact = String(value) === token && (!Number.isInteger(value) || Number.isSafeInteger(value));
    if (digits.length > exactDigits && !isExact) return true;
  }
  return false;
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/gs;

/** @param text valid JSON */
function hasRepeatedMember(text: string): boolean {
  // One set of names for each open object; undefined for an open array.
  const open: (Set<string> | undefined)[] = [];
  let isName = false;
  for (const [token] of text.matchAll(tokens)) {
    if (token === "{") {
      open.push(new Set());
      isName = true;
    } else if (token === "[") {
      open.push(undefined);
      isName = false;
    } else if (token === "}" || token === "]") {
      open.pop();
      isName = false;
    } else if (token === ",") isName = open.at(-1) !== undefined;
    else if (token === ":") isName = false;
    else if (isName) {
      const name = fold(JSON.parse(token) as string);
      if (open.at(-1)?.has(name) === true) return true;
      open.at(-1)?.add(name);
    }
  }
  return false;
}
