import { closest, distance } from "fastest-levenshtein";

/** A value that somebody gave for a setting. */
export interface Given {
  /** Of the setting, such as `tls.cert`. */
  path: string;
  value: unknown;
  /** Where it was given: a flag, a variable, or `FILE:LINE`. */
  origin: string;
}

/** Something that is wrong with what was given. */
export interface Problem {
  /** Where. */
  origin: string;
  /** What, without the value: it may be a secret in the wrong place. */
  message: string;
}

/** Says that a name is not known, and which one may have been meant. */
export function unknownName(kind: "key" | "variable", name: string, known: readonly string[]): string {
  const nearest = closest(name, known);
  const isNear = distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3));
  const shown = name.slice(0, 80);
  return `there is no ${kind} "${shown}"${isNear ? `; did you mean "${nearest}"?` : ""}`;
}
