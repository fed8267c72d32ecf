import { fold } from "./path-pattern.ts";

/** A body that has one reading as JSON; undefined when it has none, or more than one. */
export interface JsonBody {
  value: unknown;
}

/**
 * Reads a body as JSON, only if every reader finds the same in it: an object that has a member twice (names compared as a
 * careless reader would) means one thing to who takes the first and another to who takes the last.
 */
export function readJsonBody(text: string): JsonBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return hasRepeatedMember(text) ? undefined : { value };
  } catch {
    return undefined;
  }
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
