import type { Report } from "@sallyport/conformance";

/** What failed in a report, one line for each. */
export function failuresOf({ results }: Report): string[] {
  return results.flatMap((result) =>
    result.outcome === "fail" ? [`${result.id}: expected ${result.expected}, came ${result.came}`] : [],
  );
}
