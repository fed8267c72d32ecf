// What a kill must not break, at moments that nobody chose: `SALLYPORT_TEST_SEED` repeats the choices of a run.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { watch } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeQuickRepository } from "./testing/quick-repository.ts";
import { processesWith, startPrimaryProcess, type PrimaryProcess } from "./testing/primary-process.ts";
import { temporaryFolder } from "./testing/test-primary.ts";

const seed = Number(process.env["SALLYPORT_TEST_SEED"] ?? randomInt(2 ** 31));
const rounds = Number(process.env["SALLYPORT_TEST_ROUNDS"] ?? 30);
const fileNames = Array.from({ length: 24 }, (_, at) => `f${at}`);
/** A kill comes at once, or so long after its event at most: what restic does between two of them takes about as long. */
const longestDelayMs = 60;
/** More are expired, so that restoring them all stays quick. */
const maxImages = 2;

/** The same numbers each time for the same seed (mulberry32). */
function randomFrom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Names of files and the hashes of their contents. */
type Contents = Readonly<Record<string, string>>;

/** Undefined when there is no such folder. */
async function contentsOf(folder: string): Promise<Contents | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  const hashes = names?.toSorted().map(async (name) => {
    const bytes = await readFile(join(folder, name));
    return [name, createHash("sha256").update(bytes).digest("hex")] as const;
  });
  return hashes === undefined ? undefined : Object.fromEntries(await Promise.all(hashes));
}

/** A primary that is killed again and again, and what has to be true of it afterwards. */
class KilledPrimary {
  readonly folder: string;
  readonly dataDir: string;
  readonly source: string;
  readonly repository: string;
  readonly random = randomFrom(seed);
  /** What the backup of each job has read. */
  readonly read = new Map<number, Contents>();
  /** Images whose expiry was acknowledged. */
  readonly expired = new Set<string>();
  token = "";

  constructor(folder: string) {
    this.folder = folder;
    this.dataDir = join(folder, "data");
    this.source = join(folder, "source");
    this.repository = join(this.dataDir, "storage", "stu_local", "repository");
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random(choices.length)] as T;
  }

  /** Whoever was logged in before a kill still is. */
  async start(): Promise<PrimaryProcess> {
    const primary = await startPrimaryProcess(this.dataDir);
    if (this.token === "") {
      await primary.remote.logIn();
      this.token = primary.remote.token;
      await primary.remote.createPolicy("p", [this.source]);
    }
    primary.remote.token = this.token;
    return primary;
  }

  async changeSource(): Promise<Contents> {
    await mkdir(this.source, { recursive: true });
    const first = this.random(fileNames.length);
    for (const name of [...fileNames.slice(first), ...fileNames].slice(0, 8)) {
      await writeFile(join(this.source, name), randomBytes(128 * 1024));
    }
    return (await contentsOf(this.source)) ?? {};
  }

  query(sql: string): Record<string, unknown>[] {
    using database = new DatabaseSync(join(this.dataDir, "primary.db"), { readOnly: true });
    return database.prepare(sql).all();
  }

  logOf(jobId: number): string {
    const rows = this.query(`SELECT message FROM job_log WHERE job_id = ${jobId} ORDER BY line`);
    return rows.map((row) => String(row["message"])).join("\n");
  }

  restic(...args: string[]): string {
    const password = join(this.dataDir, "storage", "stu_local", "password");
    const access = ["-r", this.repository, "--password-file", password, "--no-cache", "--no-lock"];
    return execFileSync("restic", [...access, ...args], { encoding: "utf8" });
  }

  async images({ remote }: PrimaryProcess): Promise<{ backupId: string; jobId: number }[]> {
    const answer = await remote.expect(200, "/catalog/images?page[limit]=100");
    const { data } = answer.body as { data: { id: string; attributes: { jobId: number } }[] };
    return data.map(({ id, attributes }) => ({ backupId: id, jobId: attributes.jobId }));
  }

  /** Runs something until a moment in the middle of it, and kills the primary, at times with its restic. */
  async killDuring(primary: PrimaryProcess, work: () => Promise<unknown>, events: readonly string[]) {
    const event = this.pick(events);
    const delayMs = this.random(this.pick([3, longestDelayMs]));
    const alsoRestic = this.random(2) === 1;
    {
      using watching = new DisposableStack();
      const changed = event.startsWith("/")
        ? once(
            watching.adopt(watch(event), (watcher) => watcher.close()),
            "change",
          )
        : undefined;
      const newLine = (...names: string[]) =>
        primary.line(({ msg }) => names.includes(String(msg)), { isNew: true }).catch(() => "killed before");
      const logged = newLine(event);
      // What was too quick is killed at its end.
      const over = newLine("job.done", "image.deleted");
      const done = work().catch(() => "killed before it was answered");
      const came = changed ?? (event === "answer" ? done : logged);
      await Promise.race([came, over]);
      await delay(delayMs);
      await primary.kill();
      await done;
    }
    if (alsoRestic) {
      for (const pid of await processesWith(this.dataDir)) process.kill(pid, "SIGKILL");
    }
    return `${event.replace(this.folder, "")} + ${delayMs} ms${alsoRestic ? ", restic as well" : ""}`;
  }

  /** What has to be true after each start. */
  async checkAll(primary: PrimaryProcess): Promise<void> {
    await primary.until(
      () =>
        this.query("SELECT 1 FROM images WHERE expiring = 1 UNION SELECT 1 FROM jobs WHERE state <> 'DONE'")
          .length === 0,
    );
    assert.deepEqual(await readdir(join(this.repository, "locks")), []);
    assert.deepEqual(await processesWith(join(this.dataDir, "storage")), []);
    const staging = (await readdir(this.folder)).filter((name) => name.startsWith(".sallyport"));
    assert.deepEqual(staging, []);

    const images = await this.images(primary);
    const rows = this.query("SELECT backup_id, snapshot_id FROM images");
    const shown = images.map(({ backupId }) => backupId);
    const snapshots = JSON.parse(this.restic("snapshots", "--json")) as { id: string; tags: string[] }[];
    const pairs = (all: (readonly [unknown, unknown])[]) => all.map((pair) => pair.join(" ")).toSorted();
    assert.deepEqual(
      pairs(rows.map((row) => [row["snapshot_id"], `backupId=${String(row["backup_id"])}`])),
      pairs(snapshots.map(({ id, tags }) => [id, tags.find((tag) => tag.startsWith("backupId="))])),
    );
    assert.deepEqual(rows.map((row) => String(row["backup_id"])).toSorted(), shown.toSorted());
    assert.deepEqual(
      shown.filter((backupId) => this.expired.has(backupId)),
      [],
    );

    const jobs = this.query("SELECT id, type, status, backup_id FROM jobs ORDER BY id");
    for (const { id, type, status, backup_id: backupId } of jobs) {
      assert.ok(status === 0 || status === 50, `job ${String(id)}: status ${String(status)}`);
      const isCutShort = type === "RESTORE" && status === 50;
      if (isCutShort)
        assert.match(this.logOf(Number(id)), /killed during the job.*stay there, each of them whole/s);
      if (type !== "BACKUP") continue;
      const isListed = shown.includes(String(backupId));
      assert.equal(
        isListed,
        status === 0 && !this.expired.has(String(backupId)),
        `image of job ${String(id)}`,
      );
    }
    for (const { backupId, jobId } of images) {
      const to = join(this.folder, "restored");
      assert.equal(await this.restore(primary, backupId, to, false), 0);
      assert.deepEqual(await contentsOf(to), this.read.get(jobId), backupId);
      await rm(to, { recursive: true });
    }
  }

  async restore(
    primary: PrimaryProcess,
    backupId: string,
    to: string,
    overwrites: boolean,
  ): Promise<unknown> {
    const answer = await primary.remote.startRestore({
      backupId,
      paths: [this.source],
      renames: [{ from: this.source, to }],
      overwriteExistingFiles: overwrites,
    });
    const { data } = answer.body as { data: { id: number } };
    const end = await primary.line(({ msg, jobId }) => msg === "job.done" && jobId === data.id);
    return end["status"];
  }
}

type Operation = (scene: KilledPrimary, primary: PrimaryProcess) => Promise<string>;

const expire = async (scene: KilledPrimary, { remote }: PrimaryProcess, backupId: string) => {
  const attributes = { backupId, date: "1970-01-01T00:00:00.000Z" };
  const body = { data: { type: "byBackupId", attributes } };
  await remote.expect(204, "POST /catalog/images/update-expiration-date", { body });
  scene.expired.add(backupId);
};

/** An expiry that was not acknowledged may have happened. */
async function killedExpiry(scene: KilledPrimary, primary: PrimaryProcess, also: () => Promise<unknown>) {
  const images = await scene.images(primary);
  const { backupId } = scene.pick(images);
  const folders = ["locks", "snapshots", "index"].map((name) => join(scene.repository, name));
  const work = () => Promise.all([expire(scene, primary, backupId), also()]);
  const moment = await scene.killDuring(primary, work, ["answer", ...folders]);
  const [row] = scene.query(`SELECT expiring FROM images WHERE backup_id = '${backupId}'`);
  if (row?.["expiring"] !== 0) scene.expired.add(backupId);
  return moment;
}

const operations: Readonly<Record<string, Operation>> = {
  backup: async (scene, primary) => {
    await scene.changeSource();
    const folders = ["locks", "data", "index"].map((name) => join(scene.repository, name));
    // Between a snapshot and the commit of its image lies what a start has to clear up.
    const snapshots = Array.from({ length: 5 }, () => join(scene.repository, "snapshots"));
    const events = ["answer", "job.started", "restic.started", "job.progress", ...folders, ...snapshots];
    return scene.killDuring(primary, () => primary.remote.startBackup("p"), events);
  },
  restore: async (scene, primary) => {
    const { backupId, jobId } = scene.pick(await scene.images(primary));
    const to = join(scene.folder, "half");
    const work = () => scene.restore(primary, backupId, to, false);
    const moment = await scene.killDuring(primary, work, ["job.started", "restic.started", scene.folder]);
    const there = await contentsOf(to);
    if (there !== undefined) assert.deepEqual(there, scene.read.get(jobId), "in place whole, or not at all");
    await rm(to, { recursive: true, force: true });
    return moment;
  },
  merge: async (scene, primary) => {
    const { backupId, jobId } = scene.pick(await scene.images(primary));
    const to = join(scene.folder, "merged");
    await cp(scene.source, to, { recursive: true });
    for (const name of fileNames.slice(4)) await writeFile(join(to, name), `old ${name}`);
    await writeFile(join(to, "other"), "stays");
    const before = (await contentsOf(to)) ?? {};
    const work = () => scene.restore(primary, backupId, to, true);
    const moment = await scene.killDuring(primary, work, ["restic.started", scene.folder, to, to]);
    const restored = scene.read.get(jobId) ?? {};
    for (const [name, hash] of Object.entries((await contentsOf(to)) ?? {})) {
      assert.ok(
        hash === before[name] || hash === restored[name],
        `${name} is neither the old nor the new file`,
      );
    }
    await rm(to, { recursive: true });
    return moment;
  },
  expiry: (scene, primary) => killedExpiry(scene, primary, async () => {}),
  "backup and expiry": async (scene, primary) => {
    await scene.changeSource();
    return killedExpiry(scene, primary, () => primary.remote.startBackup("p"));
  },
};

test(`primary - killed at ${rounds} random moments of backups, restores and expiries, loses nothing and leaves nothing`, async (t) => {
  t.diagnostic(`SALLYPORT_TEST_SEED=${seed}`);
  await using folder = await temporaryFolder();
  const scene = new KilledPrimary(folder.path);
  makeQuickRepository(scene.dataDir);
  const moments: string[] = [];
  try {
    for (let round = 0; ; round += 1) {
      await using primary = await scene.start();
      const contents = (await contentsOf(scene.source)) ?? (await scene.changeSource());
      for (const { id } of scene.query("SELECT id FROM jobs WHERE type = 'BACKUP'")) {
        if (!scene.read.has(Number(id))) scene.read.set(Number(id), contents);
      }
      await scene.checkAll(primary);
      if (round === rounds) break;
      // Always something to restore and to expire, and not too much of it.
      const images = await scene.images(primary);
      const [oldest] = images.toReversed();
      if (images.length > maxImages && oldest !== undefined) {
        await expire(scene, primary, oldest.backupId);
        await primary.line((line) => line["msg"] === "image.deleted" && line["backupId"] === oldest.backupId);
      }
      if (images.length === 0) {
        const jobId = await primary.remote.startBackup("p");
        scene.read.set(jobId, contents);
        await primary.line((line) => line["msg"] === "job.done" && line["jobId"] === jobId);
      }
      const name = scene.pick(["backup", "backup", ...Object.keys(operations)]);
      moments.push(`${name}: `);
      const moment = await operations[name]?.(scene, primary);
      moments[round] += moment ?? "";
    }
  } finally {
    t.diagnostic(moments.join("; "));
  }
  scene.restic("check", "--read-data");
});
