import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { failedPaths } from "../restore/restore-errors.ts";
import { multipart, startTestPrimary, temporaryFolder, type TestPrimary } from "../testing/test-primary.ts";

const repositoryOf = (dataDir: string) => join(dataDir, "storage", "stu_local", "repository");

/** The files in a folder of the repository and below it. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Writes zeros over a part of a file. */
async function damage(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes.fill(0, at, at + 64);
  await chmod(path, 0o600);
  await writeFile(path, bytes);
}

async function verify(primary: TestPrimary, ...backupIds: string[]) {
  const form = multipart({ selectionsFile: backupIds });
  const answer = await primary.expect(202, "POST /catalog/verify-images", form);
  const jobId = Number(/\d+$/.exec(String(answer.headers["location"]))?.[0]);
  const { status } = await primary.journal.jobDone(jobId);
  return { status, log: await primary.log(jobId) };
}

test("damage - verification names the images that have lost data, and a restore brings all files that are whole", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const [source, other] = [join(folder.path, "source"), join(folder.path, "other")];
  await mkdir(source);
  for (const path of [join(source, "one"), join(source, "two"), other])
    await writeFile(path, randomBytes(300_000));
  await using primary = await startTestPrimary(dataDir);
  await primary.createPolicy("source", [source]);
  await primary.createPolicy("other", [other]);
  const { backupId: bad = "" } = await primary.backUp("source");
  const packs = await filesIn(join(repositoryOf(dataDir), "data"));
  const { backupId: good = "" } = await primary.backUp("other");
  const sizes = await Promise.all(packs.map(async (path) => [(await stat(path)).size, path] as const));
  const [, largest = ""] = sizes.toSorted(([a], [b]) => b - a)[0] ?? [];
  // The beginning of the pack: of one file.
  await damage(largest, 1000);

  const verified = await verify(primary, bad, good);
  assert.equal(verified.status, 1, verified.log);
  assert.match(verified.log, new RegExp(`${bad}: its data can't be read`));
  assert.match(verified.log, new RegExp(`${good}: all data was read`));
  const to = join(folder.path, "restored");
  const renames = [{ from: source, to }];
  const restored = await primary.restore({ backupId: bad, paths: [source], renames });
  assert.equal(restored.status, 1, await primary.log(restored.jobId));
  const [whole = "", ...others] = await readdir(to);
  assert.deepEqual(others, [], "the other one is not there in part");
  assert.deepEqual(await readFile(join(to, whole)), await readFile(join(source, whole)));
  const lost = whole === "one" ? "two" : "one";
  assert.match(
    await primary.log(restored.jobId),
    new RegExp(`${source}/${lost}: ciphertext verification failed`),
  );

  // All of it is gone: nothing begins anew, neither now nor after a restart.
  const [repository, away] = [repositoryOf(dataDir), join(folder.path, "away")];
  await rename(repository, away);
  const lostAll = await verify(primary, bad, good);
  assert.equal(lostAll.status, 191, lostAll.log);
  for (const backupId of [bad, good])
    assert.match(lostAll.log, new RegExp(`${backupId}: its data can't be read`));
  const backup = await primary.backUp("other");
  assert.equal(backup.status, 2106, await primary.log(backup.jobId));
  await primary.primary.close();
  {
    await using restarted = await startTestPrimary(dataDir);
    const refused = await restarted.backUp("other");
    assert.equal(refused.status, 2074, await restarted.log(refused.jobId));
    assert.match(await restarted.log(refused.jobId), /holds no repository any more: mount its disk/);
    await restarted.expect(200, `/catalog/images/${good}`);
  }
  // A snapshot that can't be read for a while costs no image, and is not taken for a job's that failed.
  await rm(repository, { recursive: true, force: true });
  await rename(away, repository);
  const snapshots = await filesIn(join(repository, "snapshots"));
  const intact = await Promise.all(snapshots.map(async (path) => [path, await readFile(path)] as const));
  for (const path of snapshots) await damage(path, 0);
  await rm(join(dataDir, "storage", "stu_local", "restic"), { recursive: true });
  for (const mends of [false, true]) {
    if (mends) for (const [path, bytes] of intact) await writeFile(path, bytes);
    await using restarted = await startTestPrimary(dataDir);
    for (const backupId of [bad, good]) await restarted.expect(200, `/catalog/images/${backupId}`);
    assert.deepEqual(restarted.journal.images(), []);
    assert.equal((await filesIn(join(repository, "snapshots"))).length, 2);
  }
});

test("restore errors - tell every path that is not whole, or nothing", () => {
  const fatal = (count: number) => `Fatal: There were ${count} errors`;
  assert.deepEqual(failedPaths(["ignoring error for /a: b: c", fatal(1)]), ["/a", "/a: b"]);
  const twice = [
    "Load(<data/1>, 1, 0) returned error, retrying after 1s: x",
    "ignoring error for /a: x",
    "ignoring error for /a: y",
  ];
  assert.deepEqual(failedPaths([...twice, fatal(2)]), ["/a"]);
  for (const lines of [
    ["ignoring error for /a: x", fatal(2)],
    ["ignoring error for /a: x"],
    ["ignoring error for /a", "b: x", fatal(1)],
    ["ignoring error for /a\uFFFD: x", fatal(1)],
    ["ignoring error for /a: write /b/a: no space left on device", fatal(1)],
    ["Fatal: wrong password or no key found"],
  ]) {
    assert.equal(failedPaths(lines), undefined, lines.join("|"));
  }
});

test(
  "restore - onto a full disk fails with 14, and leaves nothing there",
  { skip: process.getuid?.() !== 0 },
  async () => {
    await using folder = await temporaryFolder();
    const [source, tiny] = [join(folder.path, "source"), join(folder.path, "tiny")];
    await mkdir(source);
    await mkdir(tiny);
    await writeFile(join(source, "large"), randomBytes(3_000_000));
    await writeFile(join(source, "small"), "small");
    await using primary = await startTestPrimary(join(folder.path, "data"));
    await primary.createPolicy("p", [source]);
    const { backupId = "" } = await primary.backUp("p");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", tiny]);
    try {
      const renames = [{ from: source, to: join(tiny, "to") }];
      const { jobId, status } = await primary.restore({ backupId, paths: [source], renames });
      assert.equal(status, 14, await primary.log(jobId));
      assert.match(await primary.log(jobId), /Check the destination's disk/);
      assert.deepEqual(await readdir(tiny), []);
    } finally {
      execFileSync("umount", [tiny]);
    }
  },
);

test("backup - of what vanishes or changes in the middle ends as it should, and its image restores", async () => {
  await using folder = await temporaryFolder();
  const source = join(folder.path, "source");
  await mkdir(join(source, "z"), { recursive: true });
  await using primary = await startTestPrimary(join(folder.path, "data"));
  await primary.createPolicy("p", [source]);
  /** Backs up and does something while restic is held in the middle of a large file, which is cut there. */
  const backUpWhile = async (change: () => Promise<void>) => {
    const large = join(source, "large");
    await writeFile(large, "");
    await truncate(large, 400 * 1024 ** 3);
    for (const path of ["kept", "m", "z/last"]) await writeFile(join(source, path), "there");
    const jobId = await primary.startBackup("p");
    const { pid } = await primary.event("restic.started", jobId);
    await primary.event("job.progress", jobId);
    process.kill(Number(pid), "SIGSTOP");
    await truncate(large, 1000);
    await change();
    process.kill(Number(pid), "SIGCONT");
    const { status } = await primary.journal.jobDone(jobId);
    return {
      status,
      log: await primary.log(jobId),
      backupId: String((await primary.job(jobId))["backupId"]),
    };
  };
  const restored = async (backupId: string, name: string) => {
    const [from, to] = [join(source, name), join(folder.path, "restored", backupId)];
    const { jobId, status } = await primary.restore({ backupId, paths: [from], renames: [{ from, to }] });
    assert.equal(status, 0, await primary.log(jobId));
    return readFile(to, "utf8");
  };

  const vanished = await backUpWhile(async () => {
    await rm(join(source, "m"));
    await rm(join(source, "z"), { recursive: true });
  });
  assert.equal(vanished.status, 1, vanished.log);
  assert.match(vanished.log, /source\/(m|z).*(no such file|errno 2)/);
  assert.equal(await restored(vanished.backupId, "kept"), "there");

  await mkdir(join(source, "z"));
  // Of a file that changes while it is read, what was read is kept.
  const changed = await backUpWhile(() => appendFile(join(source, "m"), ", and more"));
  assert.equal(changed.status, 0, changed.log);
  assert.match(await restored(changed.backupId, "m"), /^there/);
  assert.equal((await verify(primary, changed.backupId)).status, 0);
});
