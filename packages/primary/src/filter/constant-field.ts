import type { FilterField } from "./filter.ts";

/** A field that has the same value in every row of a list, as SQL; filters and orders by it are right, if of little use. */
export function constantField(value: string | number): FilterField {
  return typeof value === "number" ? { sql: String(value), type: "number" } : textConstant(value, "text");
}

/** The same for a word of a closed list, compared in any case. */
export function constantWord(value: string): FilterField {
  return textConstant(value, "enum");
}

/** The same for a flag. */
export function constantFlag(value: boolean): FilterField {
  return { sql: value ? "1" : "0", type: "boolean" };
}

function textConstant(value: string, type: "text" | "enum"): FilterField {
  return { sql: `'${value.replaceAll("'", "''")}'`, type };
}
