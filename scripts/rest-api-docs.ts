// Writes the tables of docs/rest-api.md from the primary's own tables of operations: `node scripts/rest-api-docs.ts`. A test compares.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  observedOperations,
  publishedOperations,
  servicesElsewhere,
  type PublishedOperation,
} from "@sallyport/primary";

const file = join(import.meta.dirname, "..", "docs", "rest-api.md");
const mark = "<!-- operations: written by scripts/rest-api-docs.ts -->\n\n";

/** The page as it should be, and as it is. */
export function restApiPage(): { expected: string; found: string } {
  const found = readFileSync(file, "utf8");
  const [before = ""] = found.split(mark);
  return { expected: `${before}${mark}${tables()}`, found };
}

function tables(): string {
  const isReal = ([, , whyNot]: PublishedOperation) => whyNot === undefined;
  const real = publishedOperations.filter(isReal).length;
  return [
    "## Operations that NetBackup publishes",
    `${real} of ${publishedOperations.length} are real; the others answer 501 with the reason.`,
    "",
    ...table(publishedOperations),
    "## Operations that its clients call beside those",
    "",
    ...table(observedOperations),
    "## Services that mean nothing here",
    "Everything below these paths answers 501 with the reason; `/assets`, which NetBackup itself has removed, 410.",
    "",
    "| path | why |",
    "|---|---|",
    ...servicesElsewhere.map(([prefix, why]) => `| \`${prefix}\` | ${why} |`),
    "",
  ].join("\n");
}

function table(operations: readonly PublishedOperation[]): string[] {
  const rows = operations.map(
    ([method, path, whyNot]) =>
      `| ${method} | \`${path.replaceAll(/:(\w+)/g, "{$1}")}\` | ${whyNot === undefined ? "real" : `501: ${whyNot}`} |`,
  );
  return ["| method | path | |", "|---|---|---|", ...rows, ""];
}

if (import.meta.main) writeFileSync(file, restApiPage().expected);
