import { writeFileSync } from "node:fs";
import { cpus, release, totalmem, version } from "node:os";
import { goalText, judge, type Comparison } from "./comparison.ts";

/** What the results say beside the figures. */
export interface Circumstances {
  arguments: string;
  /** Name and version of everything that was measured. */
  versions: Record<string, string>;
  /** Peers that could not be had, and why. */
  missing: readonly string[];
  /** fdatasync of 4 KiB on the disk that was used, per second. */
  syncsPerSecond: number;
  tookS: number;
}

/** The comparisons as a Markdown table. */
export function toTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((comparison) => {
    const { median, lowest, highest, text } = judge(comparison);
    const ratio = `${median.toFixed(2)} (${lowest.toFixed(2)}–${highest.toFixed(2)})`;
    const { what, ours, peer, goal } = comparison;
    return [what, ours, peer, ratio, goalText(goal), text];
  });
  const head = ["what", "ours", "peer", "ratio: median (range)", "goal", "verdict"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Writes the results file. */
export function writeResults(file: string, comparisons: readonly Comparison[], about: Circumstances): void {
  const judged = comparisons.filter(({ goal }) => goal !== undefined);
  const passed = judged.filter((comparison) => judge(comparison).text === "PASS").length;
  const versions = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`);
  const [cpu] = cpus();
  const missing = about.missing.map((line) => `- not measured: ${line.replaceAll("\n", " ")}`);
  const text = `# Results of the bench

Written by \`npm run bench${about.arguments === "" ? "" : ` -- ${about.arguments}`}\` on ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, in ${Math.round(about.tookS)} s: **${passed} of ${judged.length} goals met**.

- machine: ${cpus().length} × ${cpu?.model ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()} (${version()}); ${Math.round(about.syncsPerSecond)} fdatasync/s of 4 KiB
- ${versions.join(", ")}
${missing.join("\n")}${missing.length > 0 ? "\n" : ""}
${toTable(comparisons)}

How it was measured: [README.md](README.md). Why what is missed is missed: [PROFILE.md](PROFILE.md).
`;
  writeFileSync(file, text);
}
