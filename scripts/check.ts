// Checks types, lint rules, format and the direction of imports; `--fix` formats and mends what can be mended.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkLayering } from "./layering.ts";

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);
const fix = process.argv.includes("--fix");

const steps: [title: string, command: string, args: string[]][] = [
  ["format", bin("oxfmt"), fix ? ["."] : ["--check", "."]],
  ["lint", bin("oxlint"), [...(fix ? ["--fix"] : []), "--deny-warnings", "."]],
  ["types", bin("tsc"), ["-p", "tsconfig.json"]],
];
const consoleConfig = join(root, "packages", "console", "tsconfig.json");
if (existsSync(consoleConfig)) steps.push(["types of the console", bin("tsc"), ["-p", consoleConfig]]);

if (fix) {
  for (const table of ["configuration", "metrics", "guard", "rest-api"]) {
    const script = join(root, "scripts", `${table}-docs.ts`);
    steps.unshift([`table of ${table} in docs`, process.execPath, [script]]);
  }
}

let failures = 0;
for (const [title, command, args] of steps) {
  process.stdout.write(`== ${title}\n`);
  const done = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (done.error !== undefined) process.stderr.write(`${command}: ${done.error.message}\n`);
  if (done.status !== 0) failures += 1;
}

process.stdout.write("== direction of imports\n");
for (const violation of checkLayering(root)) {
  process.stderr.write(`${violation}\n`);
  failures += 1;
}
process.stdout.write(failures === 0 ? "all checks passed\n" : `${failures} checks failed\n`);
process.exitCode = failures === 0 ? 0 : 1;
