/** A value in a filter, quoted or bare. */
export interface FilterLiteral {
  text: string;
  isString: boolean;
}

/** A field in a filter, perhaps folded to one case. */
export interface FilterOperand {
  name: string;
  fold?: "tolower" | "toupper";
}

/** How a field is compared. */
export type ComparisonOperator = "eq" | "ne" | "gt" | "ge" | "lt" | "le";

/** How a text is searched. */
export type MatchFunction = "contains" | "startswith" | "endswith";

/** A filter as it was written, with no knowledge of the list that it is for. */
export type FilterExpression =
  | { kind: "and" | "or"; left: FilterExpression; right: FilterExpression }
  | { kind: "not"; operand: FilterExpression }
  | { kind: "comparison"; operand: FilterOperand; operator: ComparisonOperator; value: FilterLiteral }
  | { kind: "match"; matcher: MatchFunction; operand: FilterOperand; value: FilterLiteral }
  /** One of a list equals a value: `names/any(n:n eq 'x')`. */
  | { kind: "any"; name: string; value: FilterLiteral };
