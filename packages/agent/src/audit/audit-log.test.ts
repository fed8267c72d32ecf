import assert from "node:assert/strict";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { pino } from "pino";
import { ManualClock } from "@sallyport/nbwss/testing";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { defaultAgentLimits, type AgentLimits } from "../limits.ts";
import { AuditLog } from "./audit-log.ts";
import { listAuditFiles } from "./audit-files.ts";
import { auditKey, signCheckpoint } from "./checkpoint.ts";
import { appendEntry, chainBegin, readEntry } from "./entry.ts";
import { exportAudit } from "./export.ts";
import { readCheckpoint, verifyAudit } from "./verify.ts";

const log = pino({ level: "silent" });

function openLog(dir: string, more: Partial<AgentLimits> = {}, clock = new ManualClock()) {
  return new AuditLog({ dir, limits: { ...defaultAgentLimits, ...more }, clock, log });
}

/** An audit of three files, closed in good order. */
async function makeAudit(dir: string, entries = 60): Promise<void> {
  const audit = openLog(dir, { maxAuditFileBytes: 6_000, auditCheckpointEntries: 10 });
  for (let n = 0; n < entries; n += 1)
    await audit.record({ kind: "command.allowed", uri: `/netbackup/${n}` });
  await audit.close();
}

const whats = async (dir: string, known = {}) =>
  (await verifyAudit(dir, known)).findings.map(({ what }) => what);

interface Lines {
  file: string;
  lines: string[];
}

function readLines(dir: string): Lines[] {
  return listAuditFiles(dir).map(({ path }) => ({
    file: path,
    lines: readFileSync(path, "utf8").trimEnd().split("\n"),
  }));
}

function writeLines(files: Lines[]): void {
  for (const { file, lines } of files) writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
}

test("audit - entries are chained over files and restarts, checkpoints are signed, files are their owner's", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  await makeAudit(dir);
  await makeAudit(dir, 1);
  const report = await verifyAudit(dir);
  assert.deepEqual(report.findings, []);
  assert.ok(report.files >= 3 && report.entries === report.last && report.first === 1);
  assert.equal(report.vouchedFor, report.last - 1);
  assert.ok(report.checkpoints >= 6);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  for (const file of ["key.pem", "checkpoint.json", "audit-000001.jsonl"]) {
    assert.equal(statSync(join(dir, file)).mode & 0o777, 0o600, file);
  }
  const exported = await Array.fromAsync(exportAudit(dir, { kind: "command." }));
  assert.equal(exported.length, 61);
});

const tampering: [title: string, change: (lines: string[]) => void, found: RegExp][] = [
  [
    "a changed entry",
    (lines) => (lines[4] = lines[4]?.replace("/netbackup/", "/netbackup/x") ?? ""),
    /^entry 5 was changed/,
  ],
  ["a removed entry", (lines) => lines.splice(4, 1), /^entry 5 is missing$/],
  ["several removed entries", (lines) => lines.splice(4, 3), /^entries 5 to 7 are missing$/],
  [
    "a moved entry",
    (lines) => lines.splice(8, 0, ...lines.splice(4, 1)),
    /^entry 5 was moved: it stands after entry 9$/,
  ],
  ["an entry twice", (lines) => lines.splice(6, 0, lines[4] ?? ""), /^entry 5 stands there twice$/],
  ["a line that is none", (lines) => (lines[4] = "{}"), /^entry 5 was changed: it can't be read$/],
  [
    "an entry put in",
    (lines) => lines.splice(5, 0, '{"n":6,"hash":"00"}'),
    /^entry 6 was changed: it can't be read$/,
  ],
];
for (const [title, change, found] of tampering) {
  test(`audit - ${title} is found and named`, async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "audit");
    await makeAudit(dir);
    const files = readLines(dir);
    change(files[0]?.lines ?? []);
    writeLines(files);
    const [first] = await whats(dir);
    assert.match(first ?? "nothing was found", found);
  });
}

test("audit - an entry that was exchanged along with its hash is found, and so is a whole chain that was written anew", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  await makeAudit(dir);
  const files = readLines(dir);
  const first = files[0];
  assert.ok(first !== undefined);
  const before = readEntry(first.lines[3] ?? "");
  const forged = appendEntry(
    { n: 4, hash: before?.stated ?? "" },
    { kind: "command.allowed", uri: "/nothing" },
    0,
  );
  const kept = first.lines[4] ?? "";
  first.lines[4] = forged.line;
  writeLines(files);
  assert.match((await whats(dir))[0] ?? "", /^entry 4 was exchanged|^entry 5 was exchanged/);
  first.lines[4] = kept;

  let end = chainBegin;
  for (const { lines } of files) {
    for (const [index, line] of lines.entries()) {
      const {
        n: _n,
        at,
        previous: _previous,
        ...event
      } = readEntry(line)?.entry ?? { n: 0, at: "", previous: "", kind: "" };
      const forgedEvent = end.n === 4 ? { ...event, uri: "/nothing" } : event;
      const next = appendEntry(end, forgedEvent, Date.parse(at));
      lines[index] = next.line;
      end = next.end;
    }
  }
  writeLines(files);
  const found = await whats(dir);
  assert.ok(
    found.some((what) => /rewritten|has not signed/.test(what)),
    found.join("\n"),
  );
});

test("audit - what was cut off behind a checkpoint is found, also by a checkpoint that was kept elsewhere", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  await makeAudit(dir);
  cpSync(dir, join(folder.path, "early"), { recursive: true });
  await makeAudit(dir, 20);
  const kept = readCheckpoint(join(dir, "checkpoint.json"));
  const whole = await verifyAudit(dir);
  const files = readLines(dir);
  files.at(-1)?.lines.splice(-5);
  writeLines(files);
  assert.deepEqual(await whats(dir), [
    `entries ${whole.last - 4} to ${whole.last - 1} are missing at the end: a checkpoint vouches for them`,
  ]);
  // Started on such files it takes nothing up, and nothing goes on as if it were whole.
  const audit = openLog(dir);
  assert.match(audit.problem ?? "", /somebody has changed it/);
  await assert.rejects(audit.record({ kind: "x" }), { code: "audit_failed" });
  await audit.close();
  // All put back to an earlier state, its own checkpoint included.
  assert.deepEqual(await whats(join(folder.path, "early")), []);
  const [cut] = await whats(join(folder.path, "early"), { checkpoint: kept });
  assert.match(cut ?? "", new RegExp(`^entries \\d+ to ${kept.n} are missing at the end`));
});

test("audit - without its first file, its checkpoint, or with another key it is not as it was written", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  await makeAudit(dir);
  const kept = join(folder.path, "kept");
  mkdirSync(kept);
  const first = join(dir, "audit-000001.jsonl");
  copyFileSync(first, join(kept, "first"));
  rmSync(first);
  assert.match((await whats(dir))[0] ?? "", /^entries 1 to \d+ are missing$/);
  copyFileSync(join(kept, "first"), first);

  copyFileSync(join(dir, "checkpoint.json"), join(kept, "checkpoint"));
  rmSync(join(dir, "checkpoint.json"));
  assert.match((await whats(dir))[0] ?? "", /^checkpoint\.json is missing/);
  const strange = auditKey(join(folder.path, "strange"));
  const { n, hash } = readCheckpoint(join(kept, "checkpoint"));
  writeFileSync(join(dir, "checkpoint.json"), JSON.stringify(signCheckpoint({ n, hash }, strange)));
  assert.match((await whats(dir))[0] ?? "", /was not signed by the audit's key/);
});

test("audit - whatever byte of whatever entry is changed, it is found", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  await makeAudit(dir, 20);
  const [file] = listAuditFiles(dir);
  assert.ok(file !== undefined);
  const whole = readFileSync(file.path);
  await fc.assert(
    // The last line's end may be missing: it may be about to be written.
    fc.asyncProperty(fc.nat(whole.length - 2), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ by;
      writeFileSync(file.path, changed);
      assert.notDeepEqual(await whats(dir), [], `byte ${at}`);
    }),
    { numRuns: 150 },
  );
});

test("audit - a line that a kill left unfinished is cut off, and the chain goes on", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  const killed = openLog(dir);
  await killed.record({ kind: "a" });
  // Written after the first checkpoint is kept.
  await killed.record({ kind: "a" });
  const file = join(dir, "audit-000001.jsonl");
  const { size } = statSync(file);
  writeFileSync(file, '{"n":3,"at":"20', { flag: "a" });
  assert.deepEqual((await verifyAudit(dir)).findings, []);
  const next = openLog(dir);
  await next.record({ kind: "b" });
  await next.close();
  await killed.close();
  assert.ok(statSync(file).size > size);
  const kinds = (await Array.fromAsync(exportAudit(dir))).map((line) => readEntry(line)?.entry.kind);
  assert.deepEqual(
    kinds.filter((kind) => kind !== "checkpoint"),
    ["audit.opened", "a", "a", "audit.opened", "b"],
  );
});

test("audit - at its bound the old makes room, vouched for; what is young does not, and recording fails", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  const clock = new ManualClock();
  const limits = { maxAuditFileBytes: 4_000, maxAuditBytes: 16_000, auditKeepDays: 10 };
  const audit = openLog(dir, limits, clock);
  const fill = async () => {
    for (let n = 0; n < 200; n += 1) await audit.record({ kind: "command.allowed", uri: `/netbackup/${n}` });
  };
  await assert.rejects(fill(), { code: "audit_failed", message: /younger than 10 days/ });
  assert.ok(audit.extent.bytes <= 16_000 && audit.extent.files === 3);
  clock.advance(11 * 86_400_000);
  for (let n = 0; n < 20; n += 1) await audit.record({ kind: "command.allowed", uri: `/netbackup/${n}` });
  assert.equal(audit.problem, undefined);
  await audit.close();
  assert.equal(existsSync(join(dir, "audit-000001.jsonl")), false);
  const report = await verifyAudit(dir);
  assert.deepEqual([report.findings, report.first > 1], [[], true]);
});

test("audit - of a flood of reads and refusals it keeps so many a minute one by one, and counts the others", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  const clock = new ManualClock();
  const audit = openLog(dir, { maxAuditNotesPerMinute: 5 }, clock);
  for (let n = 0; n < 1_000; n += 1) audit.note({ kind: "command.denied", uri: `/netbackup/${n}` });
  clock.advance(61_000);
  audit.note({ kind: "command.denied", uri: "/netbackup/later" });
  await audit.record({ kind: "command.allowed" });
  await audit.close();
  const entries = (await Array.fromAsync(exportAudit(dir, { kind: "command." }))).map(
    (line) => readEntry(line)?.entry,
  );
  const counted = entries.filter((entry) => entry?.["count"] !== undefined);
  assert.deepEqual(
    counted.map((entry) => [entry?.kind, entry?.["count"]]),
    [["command.denied", 996]],
  );
  assert.equal(entries.length, 7);
});

test("audit - a disk that takes nothing is told to who waits, and nothing counts as written", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "audit");
  auditKey(dir);
  symlinkSync("/dev/full", join(dir, "audit-000001.jsonl"));
  const audit = openLog(dir);
  await assert.rejects(audit.record({ kind: "a" }), {
    code: "audit_failed",
    message: /ENOSPC|can't be written/,
  });
  assert.match(audit.problem ?? "", /./);
  assert.equal(audit.extent.entries, 0);
  await audit.close();
});

test("audit - texts of any length make entries of a bounded one", () => {
  const { line } = appendEntry(chainBegin, { kind: "command.denied", uri: `/${"x".repeat(1_000_000)}` }, 0);
  assert.ok(line.length < 4_000);
  assert.equal(readEntry(line)?.hash, readEntry(line)?.stated);
});
