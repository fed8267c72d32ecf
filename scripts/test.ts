// Runs every test there is with Node's own runner: the modules' tests beside them, then those that cross
// packages with real processes. Arguments that name files run those alone.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { contractProblems } from "../packages/primary/src/testing/contract.ts";
import type { RecordedAnswer } from "./record-answers.ts";
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
/** Primaries that run as processes of their own write what they answer here. */
const answersFile = join(folder, "contract-answers");
writeFileSync(answersFile, "");
const recorder = pathToFileURL(join(import.meta.dirname, "record-answers.ts")).href;

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
    SALLYPORT_CONTRACT_ANSWERS: answersFile,
    NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --import=${recorder}`.trim(),
    // Hundreds of processes compile the same modules.
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "test-code"),
  },
})
  .on("test:summary", ({ file, success }) => {
    if (file === undefined && success) process.exitCode = 0;
  })
  .compose(spec)
  .on("end", () => {
    checkAnswers();
    reportContract();
    if (!signal.aborted) return;
    throw new Error(
      `the tests have not ended within ${suiteTimeoutMs / 60_000} minutes: one left something open`,
    );
  })
  .pipe(process.stdout);

/** Compares what primaries answered in processes of their own with NetBackup's documents, as the tests do that have one in theirs. */
function checkAnswers(): void {
  process.env["SALLYPORT_CONTRACT_LOG"] = contractLog;
  const lines = readFileSync(answersFile, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  const problems = new Set(
    lines.flatMap((line) => {
      const { text, ...asked } = JSON.parse(line) as RecordedAnswer;
      const isJson = String(asked.headers["content-type"]).includes("json");
      // The body of one that was too large to keep is not compared.
      if (text === null) return [];
      const body: unknown = isJson && text !== "" ? JSON.parse(text) : null;
      return contractProblems(asked.method, asked.path, { ...asked, text, body });
    }),
  );
  if (lines.length === 0) return;
  process.stdout.write(
    `\nNetBackup's API: ${lines.length} answers of primaries in processes of their own, ${problems.size} that its documents do not have\n`,
  );
  for (const problem of [...problems].slice(0, 20)) process.stdout.write(`  ${problem}\n`);
  if (problems.size > 0) process.exitCode = 1;
}

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
