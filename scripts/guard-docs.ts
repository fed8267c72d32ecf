// Writes the tables of docs/guard.md from the schema of the rules file and the built-in rules: `node scripts/guard-docs.ts`. A test compares.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultBudgets, defaultRules, fixedRules, rulesSchema, type GuardRule } from "@sallyport/agent";

const file = join(import.meta.dirname, "..", "docs", "guard.md");
const mark = "<!-- guard: written by scripts/guard-docs.ts -->\n\n";

interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** The page as it should be, and as it is. */
export function guardPage(): { expected: string; found: string } {
  const found = readFileSync(file, "utf8");
  const [before = ""] = found.split(mark);
  return { expected: `${before}${mark}${tables()}`, found };
}

function tables(): string {
  const whole = rulesSchema() as Schema;
  const part = (name: string) => whole.properties?.[name]?.items ?? whole.properties?.[name] ?? {};
  const rule = part("rules");
  const sections: [title: string, schema: Schema][] = [
    ["The file", whole],
    ["`rules`", rule],
    ["`rules.body`", rule.properties?.["body"]?.items ?? {}],
    ["`rules.times`", rule.properties?.["times"]?.items ?? {}],
    ["`budgets`", part("budgets")],
    ["`tickets`", part("tickets")],
  ];
  return [...sections.flatMap(([title, schema]) => section(title, schema)), ...builtIn()].join("\n");
}

function section(title: string, schema: Schema): string[] {
  const rows = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const isRequired = schema.required?.includes(name) === true && member.default === undefined;
    const preset =
      member.default === undefined
        ? isRequired
          ? "required"
          : "–"
        : `\`${JSON.stringify(member.default)}\``;
    return `| \`${name}\` | ${typeOf(member)} | ${preset} | ${member.description ?? ""} |`;
  });
  return [`### ${title}`, "", "| member | type | unless given | what |", "|---|---|---|---|", ...rows, ""];
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${String(one)}\``).join(", ");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  return schema.type ?? "any";
}

function builtIn(): string[] {
  const row = ({ name, action, methods, paths, reason }: GuardRule) =>
    `| \`${name}\` | ${action} | ${methods?.join(", ") ?? "any"} | ${paths?.map((path) => `\`${path}\``).join("<br>") ?? "any"} | ${reason ?? ""} |`;
  return [
    "## What is built in",
    "Before the rules of any file:",
    "",
    "| rule | action | methods | paths | why |",
    "|---|---|---|---|---|",
    ...fixedRules.map(row),
    "",
    "After them, unless `defaults: false`; what none of them names is held:",
    "",
    "| rule | action | methods | paths | why |",
    "|---|---|---|---|---|",
    ...defaultRules.map(row),
    "",
    "| budget | of | most | hours | beyond |",
    "|---|---|---|---|---|",
    ...defaultBudgets.map(
      ({ name, kind, most, hours, beyond }) =>
        `| \`${name}\` | \`${kind}\` | ${most} | ${hours} | ${beyond} |`,
    ),
    "",
  ];
}

if (import.meta.main) writeFileSync(file, guardPage().expected);
