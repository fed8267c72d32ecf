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

/** The suite takes a few minutes; whatever goes beyond this hangs on something that a test has left open. */
const suiteTimeoutMs = 20 * 60_000;

const done = spawnSync(
  process.execPath,
  ["--test", "--test-timeout=180000", "--test-concurrency=2", ...options, ...files.sort()],
  { cwd: root, stdio: "inherit", timeout: suiteTimeoutMs, killSignal: "SIGKILL" },
);
if (done.signal === "SIGKILL") {
  throw new Error(
    `the tests have not ended within ${suiteTimeoutMs / 60_000} minutes: one left something open`,
  );
}
if (done.error !== undefined) throw done.error;
process.exitCode = done.status ?? 1;
