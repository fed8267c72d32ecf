// Writes the tables of docs/configuration.md from the hub's settings: `node scripts/configuration-docs.ts`. A test compares.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hubSettings, type Setting } from "@sallyport/hub";

const root = join(import.meta.dirname, "..");
const file = join(root, "docs", "configuration.md");
const marks = [
  "<!-- settings: written by scripts/configuration-docs.ts -->\n\n",
  "\n<!-- /settings -->",
] as const;

/** The page as it should be, and as it is. */
export function configurationPage(): { expected: string; found: string } {
  const found = readFileSync(file, "utf8");
  const [before = "", rest = ""] = found.split(marks[0]);
  const after = rest.split(marks[1])[1] ?? "";
  return { expected: `${before}${marks[0]}${tables()}${marks[1]}${after}`, found };
}

function tables(): string {
  const isLimit = ({ path }: Setting) => path.startsWith("limits.");
  const settings = hubSettings.filter((setting) => !isLimit(setting));
  const comments = limitComments();
  const limits = hubSettings.filter(isLimit).map(({ path, variable, defaultValue }) => {
    const name = path.slice("limits.".length);
    return `| \`${name}\` | ${number(defaultValue)} | \`${variable}\` | ${comments.get(name) ?? ""} |`;
  });
  return [
    "| key | flag | variable | default | what |",
    "|---|---|---|---|---|",
    ...settings.map(
      ({ path, flag, variable, defaultValue, description }) =>
        `| \`${path}\` | \`${flag}\` | \`${variable}\` | ${defaultValue === undefined ? "–" : `\`${JSON.stringify(defaultValue).replaceAll('"', "")}\``} | ${description} |`,
    ),
    "",
    "Bounds, below `limits:` (or `--limit NAME=VALUE`, which may be repeated):",
    "",
    "| name | default | variable | what |",
    "|---|---|---|---|",
    ...limits,
    "",
  ].join("\n");
}

/** What `limits.ts` says about each bound. */
function limitComments(): Map<string, string> {
  const text = readFileSync(join(root, "packages", "hub", "src", "config", "limits.ts"), "utf8");
  const pattern = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+): number;/g;
  return new Map(
    [...text.matchAll(pattern)].map(([, comment = "", name = ""]) => [
      name,
      comment
        .replaceAll(/\s*\n\s*\* ?/g, " ")
        .replaceAll("|", "\\|")
        .trim(),
    ]),
  );
}

function number(value: unknown): string {
  return Number(value).toLocaleString("en-US");
}

if (process.argv[1] === import.meta.filename) writeFileSync(file, configurationPage().expected);
