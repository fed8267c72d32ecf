// Writes the table of docs/metrics.md from a hub's own metrics: `node scripts/metrics-docs.ts`. A test of the hub compares.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHub } from "@sallyport/hub";
import { pino } from "pino";

const file = join(import.meta.dirname, "..", "docs", "metrics.md");
const mark = "<!-- metrics: written by scripts/metrics-docs.ts -->\n\n";

const dataDir = mkdtempSync(join(tmpdir(), "sallyport-docs-"));
try {
  await using hub = await createHub({ dataDir, log: pino({ level: "silent" }) });
  const text = await hub.metrics.text();
  const rows = [...text.matchAll(/^# HELP (\S+) (.+)\n# TYPE \S+ (\w+)$/gm)]
    .map(([, name = "", help = "", type = ""]) => `| \`${name}\` | ${type} | ${help} |`)
    .sort((a, b) => a.localeCompare(b));
  const [before = ""] = readFileSync(file, "utf8").split(mark);
  const table = ["| metric | type | what |", "|---|---|---|", ...rows, ""].join("\n");
  writeFileSync(file, `${before}${mark}${table}`);
} finally {
  rmSync(dataDir, { recursive: true });
}
