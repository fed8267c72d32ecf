import { PrimaryError } from "../errors.ts";

/** The refusal of a filter: a filter that can't be read whole is never ignored or read in part. */
export function filterProblem(problem: string): PrimaryError {
  return new PrimaryError("invalid_filter", `the filter is not valid: ${problem}`, {
    attributeErrors: { filter: problem },
  });
}
