import { PrimaryError } from "../errors.ts";
import type { SqlCondition } from "../jobs/job-store.ts";
import { fieldNamed, type FilterFields } from "./filter.ts";

/** One key of an order. */
export interface SortKey {
  /** Without NULLs. */
  sql: string;
  isDescending: boolean;
}

/** A value of a sort key. */
export type SortValue = string | number;

const maxKeys = 8;

/**
 * Reads `sort`: names of fields, each descending after "-", joined by commas. What is left equal is ordered by `last`,
 * which has to be unique, so that pages never overlap.
 * @throws PrimaryError `invalid_filter`
 */
export function parseSort(text: string | undefined, fields: FilterFields, last: SortKey): SortKey[] {
  const names = (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length > maxKeys) {
    throw new PrimaryError(
      "invalid_filter",
      `sort names ${names.length} fields: at most ${maxKeys} are read`,
    );
  }
  const keys = names.map((name) => {
    const isDescending = name.startsWith("-");
    const field = fieldNamed(name.replace(/^[+-]/, ""), fields);
    const none = field.type === "text" || field.type === "enum" ? "''" : "0";
    return { sql: field.isNullable === true ? `coalesce(${field.sql}, ${none})` : field.sql, isDescending };
  });
  const at = keys.findIndex(({ sql }) => sql === last.sql);
  // Nothing is left equal after the unique key.
  return at === -1
    ? [...keys, { ...last, isDescending: keys.at(-1)?.isDescending ?? last.isDescending }]
    : keys.slice(0, at + 1);
}

/** `a DESC, b ASC` */
export function orderBy(keys: readonly SortKey[]): string {
  return keys.map(({ sql, isDescending }) => `${sql} ${isDescending ? "DESC" : "ASC"}`).join(", ");
}

/** The opposite order. */
export function reversed(keys: readonly SortKey[]): SortKey[] {
  return keys.map(({ sql, isDescending }) => ({ sql, isDescending: !isDescending }));
}

/** The condition of being after a row in an order, whose values of the keys are given. */
export function isAfter(keys: readonly SortKey[], row: readonly SortValue[]): SqlCondition {
  const values: SortValue[] = [];
  const cases = keys.map(({ sql, isDescending }, index) => {
    const equal = keys.slice(0, index).map((key, at) => {
      values.push(row[at] ?? 0);
      return `${key.sql} = ?`;
    });
    values.push(row[index] ?? 0);
    return `(${[...equal, `${sql} ${isDescending ? "<" : ">"} ?`].join(" AND ")})`;
  });
  return { sql: `(${cases.join(" OR ")})`, values };
}
