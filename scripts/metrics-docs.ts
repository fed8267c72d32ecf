// Writes the tables of docs/metrics.md from a hub's and an agent's own metrics: `node scripts/metrics-docs.ts`. Tests of both compare.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLoneAgent } from "@sallyport/agent";
import { createHub } from "@sallyport/hub";
import { pino } from "pino";

const file = join(import.meta.dirname, "..", "docs", "metrics.md");
const markOf = (part: string) => `<!-- metrics of the ${part}: written by scripts/metrics-docs.ts -->\n\n`;
const log = pino({ level: "silent" });

/** Puts a table in place of the one behind its mark, which ends with an empty line. */
function replaced(page: string, part: string, text: string): string {
  const rows = [...text.matchAll(/^# HELP (\S+) (.+)\n# TYPE \S+ (\w+)$/gm)]
    .map(([, name = "", help = "", type = ""]) => `| \`${name}\` | ${type} | ${help} |`)
    .sort((a, b) => a.localeCompare(b));
  const table = ["| metric | type | what |", "|---|---|---|", ...rows, ""].join("\n");
  const mark = markOf(part);
  const [before = "", behind = ""] = page.split(mark);
  const end = behind.indexOf("\n\n");
  return `${before}${mark}${table}${end < 0 ? "" : behind.slice(end + 1)}`;
}

const dataDir = mkdtempSync(join(tmpdir(), "sallyport-docs-"));
try {
  await using hub = await createHub({ dataDir: join(dataDir, "hub"), log });
  await using agent = await startLoneAgent({
    dataDir: join(dataDir, "agent"),
    upstream: { origin: "https://127.0.0.1:1", ca: [] },
    listen: { host: "127.0.0.1", port: 0 },
    monitoringListen: { host: "127.0.0.1", port: 0 },
    log,
  });
  const ofAgent = await (await fetch(`${agent.monitoringUrl}/metrics`)).text();
  const page = replaced(readFileSync(file, "utf8"), "hub", await hub.metrics.text());
  writeFileSync(file, replaced(page, "agent", ofAgent));
} finally {
  rmSync(dataDir, { recursive: true });
}
