import { PrimaryError } from "../errors.ts";
import type { SqlCondition } from "../jobs/job-store.ts";
import { limits } from "../limits.ts";

/** A field that a list can be filtered by. */
export interface FilterField {
  /** The SQL expression that it stands for. */
  sql: string;
  /** `enum` values are compared in upper case; times are kept as epoch ms or s. */
  type: "text" | "enum" | "number" | "timeMs" | "timeS";
}

/** The fields of one list by NetBackup's names. */
export type FilterFields = Readonly<Record<string, FilterField>>;

const operators: Readonly<Record<string, string>> = {
  eq: "=",
  ne: "<>",
  gt: ">",
  ge: ">=",
  lt: "<",
  le: "<=",
};

interface Token {
  text: string;
  isString: boolean;
}

/** A filter as a condition, with the fields that it names. */
export interface Filter extends SqlCondition {
  fields: ReadonlySet<string>;
}

/**
 * Reads `field op value and field op value …` (of OData, what this version supports).
 * @throws PrimaryError `invalid_filter` for anything else: a filter is never ignored
 */
export function parseFilter(text: string | undefined, fields: FilterFields): Filter {
  if (text === undefined || text.trim() === "") return { sql: "1", values: [], fields: new Set() };
  if (text.length > limits.maxFilterCharacters) {
    throw invalid(`it is longer than ${limits.maxFilterCharacters} characters`);
  }
  const tokens = tokenize(text);
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const named = new Set<string>();
  for (let at = 0; at < tokens.length; at += 4) {
    const [name, operator, value, and] = tokens.slice(at, at + 4);
    if (name === undefined || operator === undefined || value === undefined)
      throw invalid("it ends too early");
    if (and !== undefined && (and.isString || and.text !== "and" || at + 4 >= tokens.length)) {
      throw invalid(`"${and.text}" is not supported there: only conditions joined by "and" are`);
    }
    const field = Object.hasOwn(fields, name.text) && !name.isString ? fields[name.text] : undefined;
    if (field === undefined) {
      throw invalid(`"${name.text}" can't be filtered by: use one of ${Object.keys(fields).join(", ")}`);
    }
    const sqlOperator = Object.hasOwn(operators, operator.text) ? operators[operator.text] : undefined;
    if (sqlOperator === undefined) throw invalid(`"${operator.text}" is not one of eq, ne, gt, ge, lt, le`);
    conditions.push(`(${field.sql}) ${sqlOperator} ?`);
    values.push(readValue(value, field, name.text));
    named.add(name.text);
  }
  return { sql: conditions.join(" AND "), values, fields: named };
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:'((?:[^']|'')*)'|([^\s'()]+))(?=\s|$)/gy;
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw invalid(`it can't be read from "${text.slice(at, at + 40)}" on`);
    const [, quoted, bare] = match;
    tokens.push({ text: quoted?.replaceAll("''", "'") ?? bare ?? "", isString: quoted !== undefined });
  }
  return tokens;
}

function readValue(value: Token, field: FilterField, name: string): string | number {
  if (field.type === "text") return value.text;
  if (field.type === "enum") return value.text.toUpperCase();
  if (field.type === "number") {
    if (!/^-?\d{1,15}$/.test(value.text)) throw invalid(`${name} must be compared with an integer`);
    return Number(value.text);
  }
  // A "+" of a zone's offset arrives as a blank when the client did not encode it, which ends up here as an error.
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value.text);
  const epochMs = isTime ? Date.parse(value.text) : Number.NaN;
  if (Number.isNaN(epochMs))
    throw invalid(`${name} must be compared with a time such as 2024-01-02T03:04:05Z`);
  return field.type === "timeMs" ? epochMs : epochMs / 1000;
}

function invalid(problem: string): PrimaryError {
  return new PrimaryError("invalid_filter", `the filter is not valid: ${problem}`, {
    attributeErrors: { filter: problem },
  });
}
