// Runs every test there is with Node's own runner: the modules' tests beside them, then those that cross
// packages with real processes. Arguments that name files run those alone; options go to `node --test`.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const given = process.argv.slice(2);
const options = given.filter((arg) => arg.startsWith("--"));
const named = given.filter((arg) => !arg.startsWith("--"));
const files =
  named.length > 0 ? named : globSync(["packages/*/src/**/*.test.ts", "tests/**/*.test.ts"], { cwd: root });
if (files.length === 0) throw new Error("no test files were found");

const done = spawnSync(
  process.execPath,
  ["--test", "--test-timeout=180000", "--test-concurrency=3", ...options, ...files.sort()],
  { cwd: root, stdio: "inherit" },
);
if (done.error !== undefined) throw done.error;
process.exitCode = done.status ?? 1;
