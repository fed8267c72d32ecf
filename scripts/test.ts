// Runs every test there is with Node's own runner: the modules' tests beside them, then those that cross
// packages with real processes. Arguments that name files run those alone; options go to `node --test`.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** Tests of the primary add the operations of NetBackup's API that they call, with the status of each answer. */
const contractFolder = mkdtempSync(join(tmpdir(), "sallyport-contract-"));
const contractLog = join(contractFolder, "log");
writeFileSync(contractLog, "");

const done = spawnSync(
  process.execPath,
  ["--test", "--test-timeout=180000", "--test-concurrency=2", ...options, ...files.sort()],
  {
    cwd: root,
    stdio: "inherit",
    timeout: suiteTimeoutMs,
    killSignal: "SIGKILL",
    env: { ...process.env, SALLYPORT_CONTRACT_LOG: contractLog },
  },
);
reportContract();
if (done.signal === "SIGKILL") {
  throw new Error(
    `the tests have not ended within ${suiteTimeoutMs / 60_000} minutes: one left something open`,
  );
}
if (done.error !== undefined) throw done.error;
process.exitCode = done.status ?? 1;

/** Says which published operations of NetBackup no test has called with success. */
function reportContract(): void {
  const called = new Set(
    readFileSync(contractLog, "utf8")
      .split("\n")
      .filter((line) => / [23]\d\d$/.test(line))
      .map((line) => line.slice(0, -4)),
  );
  rmSync(contractFolder, { recursive: true });
  if (called.size === 0) return;
  const folder = join(root, "tests/fixtures/netbackup-openapi");
  const published = globSync("*.json", { cwd: folder }).flatMap((file) => {
    const { paths } = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
      paths: Record<string, object>;
    };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => ["get", "put", "post", "patch", "delete"].includes(method))
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
  });
  const missing = published.filter((operation) => !called.has(operation)).sort();
  process.stdout.write(
    `\nNetBackup's API: tests called ${published.length - missing.length} of ${published.length} published operations with success; not these:\n`,
  );
  for (const operation of missing) process.stdout.write(`  ${operation}\n`);
}
