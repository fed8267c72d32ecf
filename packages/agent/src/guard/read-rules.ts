import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import type { z } from "zod";
import { AgentError } from "../errors.ts";
import { defaultBudgets, defaultRules, fixedRules, readOnlyRules } from "./default-rules.ts";
import { rulesBounds, rulesDocument, type GuardRule, type GuardRules } from "./rules.ts";

/** Loaded when a file is read: an agent without one does without its memory. */
const yaml = (): typeof Yaml => createRequire(import.meta.url)("yaml") as typeof Yaml;

/** A rules file that was read. */
export interface RulesText {
  /** Its name, for messages. */
  name: string;
  text: string;
}

/**
 * Reads a rules file: YAML 1.2, of which JSON is a part.
 * @param isReadOnly puts the rules of `--read-only` before the file's
 * @throws AgentError `invalid_rules` that names each problem with its line
 */
export function readRules({ name, text }: RulesText, isReadOnly: boolean): GuardRules {
  if (Buffer.byteLength(text) > rulesBounds.maxFileBytes) {
    throw new AgentError("invalid_rules", `${name} has more than ${rulesBounds.maxFileBytes} bytes`);
  }
  const { LineCounter, parseDocument, visit } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineOf = (path: readonly PropertyKey[]) => lines.linePos(offsetOf(document, path)).line;
  const problems = document.errors.map(
    ({ pos, message }) => `${name}:${lines.linePos(pos[0]).line}: ${message}`,
  );
  if (problems.length > 0) throw invalid(problems);
  visit(document, {
    Alias: (_key, { range }) => {
      problems.push(`${name}:${lines.linePos(range?.[0] ?? 0).line}: aliases are not followed; write it out`);
    },
  });
  if (problems.length > 0) throw invalid(problems);
  const read = rulesDocument.safeParse(document.toJS());
  if (!read.success) {
    throw invalid(
      read.error.issues.map(({ path, message }) => {
        const where = path.length === 0 ? "the file" : path.join(".");
        return `${name}:${lineOf(path)}: ${where}: ${message}`;
      }),
    );
  }
  return inForce(name, isReadOnly, read.data, (index) => lineOf(["rules", index]));
}

/** The rules of who names no file. */
export function builtInRules(isReadOnly: boolean): GuardRules {
  return inForce("the defaults", isReadOnly, rulesDocument.parse({ version: 1 }), () => undefined);
}

/** A file's rules with those that are built in, in the order in which they are looked at. */
function inForce(
  name: string,
  isReadOnly: boolean,
  document: z.infer<typeof rulesDocument>,
  lineOf: (index: number) => number | undefined,
): GuardRules {
  const { rules, defaults, otherwise, budgets, timeZone, tickets } = document;
  const own = rules.map((rule, index) => ({ ...rule, line: lineOf(index) }));
  const kinds = new Set(budgets.map(({ kind }) => kind));
  const all: GuardRules = {
    source: isReadOnly ? `--read-only, then ${name}` : name,
    rules: [...beforeAll(isReadOnly), ...own, ...(defaults ? defaultRules : [])],
    otherwise,
    budgets: [...budgets, ...(defaults ? defaultBudgets.filter(({ kind }) => !kinds.has(kind)) : [])],
    timeZone,
    ticketLifeMs: tickets.expireAfterMinutes * 60_000,
  };
  const repeated = firstRepeated([...all.rules, ...all.budgets].map((one) => one.name));
  if (repeated !== undefined) {
    throw invalid([
      `${name}: the name "${repeated}" is used twice, in the file or by a default rule (sallyport guard rules)`,
    ]);
  }
  return all;
}

function beforeAll(isReadOnly: boolean): readonly GuardRule[] {
  return isReadOnly ? [...fixedRules, ...readOnlyRules] : fixedRules;
}

function offsetOf(document: Yaml.Document, path: readonly PropertyKey[]): number {
  const { isAlias, isNode } = yaml();
  // What is missing has no place: the nearest thing above it has.
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && !isAlias(node) && node.range != null) return node.range[0];
  }
  return 0;
}

function firstRepeated(names: readonly string[]): string | undefined {
  return names.find((one, index) => names.indexOf(one) !== index);
}

function invalid(problems: readonly string[]): AgentError {
  return new AgentError("invalid_rules", problems.slice(0, 20).join("\n"));
}
