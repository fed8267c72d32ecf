import { limits } from "../limits.ts";
import type {
  ComparisonOperator,
  FilterExpression,
  FilterLiteral,
  FilterOperand,
  MatchFunction,
} from "./filter-expression.ts";
import { filterProblem } from "./filter-problem.ts";

const comparisons = new Set(["eq", "ne", "gt", "ge", "lt", "le"]);
const matchers = new Set(["contains", "startswith", "endswith"]);
const folds = new Set(["tolower", "toupper"]);

interface Token {
  text: string;
  kind: "word" | "string" | "symbol";
}

/**
 * Reads a filter: NetBackup's subset of OData (comparisons, `and`, `or`, `not`, parentheses, `contains`, `startswith`,
 * `endswith`, `tolower`, `toupper`, `any` with one equality). Libraries for OData want its literals, and NetBackup's clients write words and times
 * without quotes, numbers with them, and keywords in any case.
 * @throws PrimaryError `invalid_filter`
 */
export function parseFilter(text: string): FilterExpression {
  if (text.length > limits.maxFilterCharacters) {
    throw filterProblem(`it is longer than ${limits.maxFilterCharacters} characters`);
  }
  return new FilterParser(tokenize(text)).parse();
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:'((?:[^']|'')*)'|([(),])|([^\s'(),]+))/gy;
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw filterProblem(`it can't be read from "${text.slice(at, at + 40)}" on`);
    const [, quoted, symbol, word] = match;
    if (quoted !== undefined) tokens.push({ text: quoted.replaceAll("''", "'"), kind: "string" });
    else if (symbol !== undefined) tokens.push({ text: symbol, kind: "symbol" });
    else tokens.push({ text: word ?? "", kind: "word" });
  }
  return tokens;
}

/** One function for each level of precedence: `or` binds least, then `and`, `not`, and a single condition. */
class FilterParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): FilterExpression {
    const expression = this.#or();
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw filterProblem(`"${rest.text}" is one too many after a complete condition`);
    return expression;
  }

  #or(): FilterExpression {
    let left = this.#and();
    while (this.#takeWord("or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): FilterExpression {
    let left = this.#not();
    while (this.#takeWord("and")) left = { kind: "and", left, right: this.#not() };
    return left;
  }

  #not(): FilterExpression {
    if (!this.#takeWord("not")) return this.#condition();
    return this.#nested(() => ({ kind: "not", operand: this.#not() }));
  }

  #condition(): FilterExpression {
    if (this.#takeSymbol("(")) {
      const inner = this.#nested(() => this.#or());
      this.#expectSymbol(")");
      return inner;
    }
    const matcher = this.#takeCall(matchers);
    if (matcher !== undefined) return this.#match(matcher as MatchFunction);
    const list = this.#takeAny();
    if (list !== undefined) return list;
    const operand = this.#operand();
    const operator = this.#next("a comparison");
    const name = operator.text.toLowerCase();
    if (operator.kind !== "word" || !comparisons.has(name)) {
      throw filterProblem(`"${operator.text}" is not one of ${[...comparisons].join(", ")}`);
    }
    return { kind: "comparison", operand, operator: name as ComparisonOperator, value: this.#literal() };
  }

  #match(matcher: MatchFunction): FilterExpression {
    const operand = this.#operand();
    this.#expectSymbol(",");
    const value = this.#literal();
    this.#expectSymbol(")");
    // OData's functions are true or false; some clients say so.
    const after = this.#tokens[this.#at];
    if (after?.kind === "word" && after.text.toLowerCase() === "eq") {
      this.#at += 1;
      const truth = this.#literal().text.toLowerCase();
      if (truth !== "true" && truth !== "false") throw filterProblem(`${matcher}(…) is true or false`);
      const found: FilterExpression = { kind: "match", matcher, operand, value };
      return truth === "true" ? found : { kind: "not", operand: found };
    }
    return { kind: "match", matcher, operand, value };
  }

  /** `names/any(n:n eq 'x')`: of OData's lambdas the one that clients use. */
  #takeAny(): FilterExpression | undefined {
    const [token, after] = [this.#tokens[this.#at], this.#tokens[this.#at + 1]];
    const [, name] = (token?.kind === "word" ? /^(.+)\/any$/i.exec(token.text) : null) ?? [];
    if (name === undefined || after?.kind !== "symbol" || after.text !== "(") return undefined;
    this.#at += 2;
    const bound = this.#next("a variable such as n:n").text;
    const text = bound.endsWith(":") ? bound + this.#next("the variable again").text : bound;
    if (!/^(\w+):\1$/.test(text)) throw filterProblem(`"${text}" is where a variable such as n:n belongs`);
    if (!this.#takeWord("eq")) throw filterProblem(`of a list only "any(n:n eq 'x')" can be asked`);
    const value = this.#literal();
    this.#expectSymbol(")");
    return { kind: "any", name, value };
  }

  #operand(): FilterOperand {
    const fold = this.#takeCall(folds);
    const token = this.#next("the name of a field");
    if (token.kind !== "word") throw filterProblem(`"${token.text}" is where the name of a field belongs`);
    if (fold === undefined) return { name: token.text };
    this.#expectSymbol(")");
    return { name: token.text, fold: fold as "tolower" | "toupper" };
  }

  #literal(): FilterLiteral {
    const token = this.#next("a value");
    if (token.kind === "symbol") throw filterProblem(`"${token.text}" is where a value belongs`);
    return { text: token.text, isString: token.kind === "string" };
  }

  /** The name of a function with its opening parenthesis. */
  #takeCall(names: ReadonlySet<string>): string | undefined {
    const [token, after] = [this.#tokens[this.#at], this.#tokens[this.#at + 1]];
    const name = token?.text.toLowerCase() ?? "";
    if (token?.kind !== "word" || !names.has(name)) return undefined;
    if (after?.kind !== "symbol" || after.text !== "(") return undefined;
    this.#at += 2;
    return name;
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    const isIt = token?.kind === "word" && token.text.toLowerCase() === word;
    if (isIt) this.#at += 1;
    return isIt;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#tokens[this.#at];
    const isIt = token?.kind === "symbol" && token.text === symbol;
    if (isIt) this.#at += 1;
    return isIt;
  }

  #expectSymbol(symbol: string): void {
    if (this.#takeSymbol(symbol)) return;
    const found = this.#tokens[this.#at];
    throw filterProblem(
      found === undefined
        ? `"${symbol}" is missing at its end`
        : `"${found.text}" is where "${symbol}" belongs`,
    );
  }

  #next(what: string): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw filterProblem(`it ends too early: ${what} is missing`);
    this.#at += 1;
    return token;
  }

  #nested<T>(body: () => T): T {
    this.#depth += 1;
    if (this.#depth > limits.maxFilterDepth) {
      throw filterProblem(`it is nested more than ${limits.maxFilterDepth} deep`);
    }
    const result = body();
    this.#depth -= 1;
    return result;
  }
}
