// Runs every test there is with Node's own runner: the modules' tests beside them, then those that cross
// packages with real processes. Arguments that name files run those alone.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { makeTestFolder } from "./test-folder.ts";

const root = join(import.meta.dirname, "..");
const { values: options, positionals: named } = parseArgs({
  allowPositionals: true,
  options: {
    "test-name-pattern": { type: "string", multiple: true, default: [] },
    "test-only": { type: "boolean", default: false },
  },
});
const files =
  named.length > 0 ? named : globSync(["packages/*/src/**/*.test.ts", "tests/**/*.test.ts"], { cwd: root });
if (files.length === 0) throw new Error("no test files were found");

/** Those with many processes first: what is short fills the gaps at the end. */
const longFirst = ["tests/", "packages/primary/", "packages/hub/"];
const placeOf = (file: string) => [...longFirst, ""].findIndex((start) => file.startsWith(start));
files.sort((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1));

/** The suite takes a few minutes; whatever goes beyond this hangs on something that a test has left open. */
const suiteTimeoutMs = 20 * 60_000;
const testTimeoutMs = 300_000;
/** One more than there are cores, since each waits for other processes now and then; no more than fit into memory. */
const filesAtOnce = Math.min(availableParallelism() + 1, 4);

const folder = makeTestFolder();
/** Tests of the primary add the operations of NetBackup's API that they call, with the status of each answer. */
const contractLog = join(folder, "contract-log");
writeFileSync(contractLog, "");

const signal = AbortSignal.timeout(suiteTimeoutMs);
// Until all have passed.
process.exitCode = 1;
run({
  files,
  cwd: root,
  concurrency: filesAtOnce,
  timeout: testTimeoutMs,
  testNamePatterns: options["test-name-pattern"],
  only: options["test-only"],
  signal,
  env: {
    ...process.env,
    TMPDIR: folder,
    SALLYPORT_CONTRACT_LOG: contractLog,
    // Hundreds of processes compile the same modules.
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "test-code"),
  },
})
  .on("test:summary", ({ file, success }) => {
    if (file === undefined && success) process.exitCode = 0;
  })
  .compose(spec)
  .on("end", () => {
    reportContract();
    if (!signal.aborted) return;
    throw new Error(
      `the tests have not ended within ${suiteTimeoutMs / 60_000} minutes: one left something open`,
    );
  })
  .pipe(process.stdout);

/** Says which published operations of NetBackup no test has called with success. */
function reportContract(): void {
  const called = new Set(
    readFileSync(contractLog, "utf8")
      .split("\n")
      .filter((line) => / [23]\d\d$/.test(line))
      .map((line) => line.slice(0, -4)),
  );
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
