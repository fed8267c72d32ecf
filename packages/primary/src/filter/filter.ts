import type { SqlCondition } from "../jobs/job-store.ts";
import { limits } from "../limits.ts";
import type { FilterExpression, FilterLiteral, FilterOperand } from "./filter-expression.ts";
import { filterProblem } from "./filter-problem.ts";
import { parseFilter } from "./parse-filter.ts";

/** A field that a list can be filtered and sorted by. */
export interface FilterField {
  /** The SQL expression that it stands for. */
  sql: string;
  /**
   * `enum` values are compared in upper case, as those of a `list` (JSON); times are kept as epoch ms or s;
   * `seconds` is a duration, asked for in seconds or as `PT5M46S`.
   */
  type: "text" | "enum" | "number" | "timeMs" | "timeS" | "seconds" | "boolean" | "list";
  /** The expression may be NULL, which equals no value. */
  isNullable?: true;
}

/** The fields of one list by NetBackup's names. */
export type FilterFields = Readonly<Record<string, FilterField>>;

/** A filter as a condition, with the fields that it names. */
export interface Filter extends SqlCondition {
  fields: ReadonlySet<string>;
}

const operators = { eq: "=", ne: "<>", gt: ">", ge: ">=", lt: "<", le: "<=" } as const;

/**
 * Turns a filter into a condition over fields that are allowed; each value becomes a parameter.
 * @throws PrimaryError `invalid_filter` for anything that is not understood whole
 */
export function compileFilter(text: string | undefined, fields: FilterFields): Filter {
  if (text === undefined || text.trim() === "") return { sql: "1", values: [], fields: new Set() };
  return compileExpression(parseFilter(text), fields);
}

/** Does the same to a filter that has been parsed. @throws PrimaryError `invalid_filter` */
export function compileExpression(expression: FilterExpression, fields: FilterFields): Filter {
  const compiler = new FilterCompiler(fields);
  const sql = compiler.compile(expression);
  return { sql, values: compiler.values, fields: compiler.named };
}

/**
 * Finds a field by its name.
 * @throws PrimaryError `invalid_filter` when the list has no such field
 */
export function fieldNamed(name: string, fields: FilterFields): FilterField {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field !== undefined) return field;
  throw filterProblem(
    `there is no field "${name.slice(0, 80)}": use one of ${Object.keys(fields).join(", ")}`,
  );
}

class FilterCompiler {
  readonly values: (string | number)[] = [];
  readonly named = new Set<string>();
  readonly #fields: FilterFields;

  constructor(fields: FilterFields) {
    this.#fields = fields;
  }

  compile(expression: FilterExpression): string {
    switch (expression.kind) {
      case "and":
      case "or":
        return this.#compileChain(expression);
      case "not":
        return `(NOT ${this.compile(expression.operand)})`;
      case "comparison":
        return this.#comparison(expression);
      case "match":
        return this.#match(expression);
      case "any":
        return this.#any(expression);
    }
  }

  #any({ name, value }: FilterExpression & { kind: "any" }): string {
    const field = this.#field({ name });
    if (field.type !== "list") throw filterProblem(`any is for lists, and ${name} is none`);
    this.#add(value.text.toUpperCase());
    return `EXISTS (SELECT 1 FROM json_each(${field.sql}) AS one WHERE upper(one.value) = ?)`;
  }

  /** A chain of `and` is as deep on its left as it is long, so it is walked, not recursed into. */
  #compileChain(expression: FilterExpression & { kind: "and" | "or" }): string {
    const operands: FilterExpression[] = [];
    let left: FilterExpression = expression;
    while (left.kind === expression.kind) {
      operands.unshift(left.right);
      left = left.left;
    }
    operands.unshift(left);
    return `(${operands.map((operand) => this.compile(operand)).join(expression.kind === "and" ? " AND " : " OR ")})`;
  }

  #comparison({ operand, operator, value }: FilterExpression & { kind: "comparison" }): string {
    const field = this.#field(operand);
    const sql = this.#sqlOf(operand, field);
    this.#add(readValue(value, field, operand.name));
    // "is" tells NULL from every value, and is found in an index like "=".
    if (field.isNullable === true && operator === "eq") return `(${sql} IS ?)`;
    if (field.isNullable === true && operator === "ne") return `(${sql} IS NOT ?)`;
    const compared = `(${sql} ${operators[operator]} ?)`;
    return field.isNullable === true ? `coalesce(${compared}, 0)` : compared;
  }

  #match({ operand, matcher, value }: FilterExpression & { kind: "match" }): string {
    const field = this.#field(operand);
    if (field.type !== "text" && field.type !== "enum") {
      throw filterProblem(`${matcher} is for texts, and ${operand.name} is none`);
    }
    const sql =
      field.isNullable === true
        ? `coalesce(${this.#sqlOf(operand, field)}, '')`
        : this.#sqlOf(operand, field);
    const text = field.type === "enum" ? value.text.toUpperCase() : value.text;
    this.#add(text);
    if (matcher === "contains") return `(instr(${sql}, ?) > 0)`;
    const length = Array.from(text).length;
    this.#add(length);
    this.#add(text);
    if (matcher === "endswith") return `(length(?) = 0 OR substr(${sql}, -?) = ?)`;
    // The first part alone would let in what follows in the order, but it lets an index be used.
    return `(${sql} >= ? AND substr(${sql}, 1, ?) = ?)`;
  }

  #field({ name }: FilterOperand): FilterField {
    this.named.add(name);
    return fieldNamed(name, this.#fields);
  }

  #sqlOf({ fold, name }: FilterOperand, field: FilterField): string {
    if (fold === undefined) return `(${field.sql})`;
    if (field.type !== "text" && field.type !== "enum")
      throw filterProblem(`${fold} is for texts, and ${name} is none`);
    if (field.type === "enum") return `(${field.sql})`;
    return `${fold === "tolower" ? "lower" : "upper"}(${field.sql})`;
  }

  #add(value: string | number): void {
    this.values.push(value);
    if (this.values.length > limits.maxFilterValues) {
      throw filterProblem(`it has more than ${limits.maxFilterValues} values`);
    }
  }
}

function readValue(value: FilterLiteral, field: FilterField, name: string): string | number {
  switch (field.type) {
    case "text":
      return value.text;
    case "enum":
      return value.text.toUpperCase();
    case "boolean": {
      const text = value.text.toLowerCase();
      if (text === "true" || text === "1") return 1;
      if (text === "false" || text === "0") return 0;
      throw filterProblem(`${name} must be compared with true or false`);
    }
    case "number":
      if (/^-?\d{1,15}(\.\d{1,15})?$/.test(value.text)) return Number(value.text);
      throw filterProblem(`${name} must be compared with a number`);
    case "list":
      throw filterProblem(`${name} is a list: use ${name}/any(n:n eq 'x')`);
    case "seconds":
      return readSeconds(value.text, name);
    case "timeMs":
      return readTime(value.text, name);
    case "timeS":
      return readTime(value.text, name) / 1000;
  }
}

function readSeconds(text: string, name: string): number {
  if (/^\d{1,15}(\.\d{1,9})?$/.test(text)) return Number(text);
  const match =
    /^P(?=.)(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?$/i.exec(text);
  if (match === null)
    throw filterProblem(`${name} must be compared with a duration such as PT5M46S, or seconds`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** A "+" of a zone's offset arrives as a blank when the client did not encode it, which ends up here as an error. */
function readTime(text: string, name: string): number {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const epochMs = isTime ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(epochMs)) return epochMs;
  throw filterProblem(`${name} must be compared with a time such as 2024-01-02T03:04:05Z`);
}
