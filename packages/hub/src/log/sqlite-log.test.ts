import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { HubError } from "../errors.ts";
import { temporaryFolder } from "../testing/hub-fixture.ts";
import { describeEventLog } from "./describe-event-log.ts";
import { openSqliteLog } from "./sqlite-log.ts";

const event = (id: string, data: unknown = null) => ({
  id,
  type: "test",
  source: "/test",
  subject: "s",
  time: "2026-11-24T00:00:00.000Z",
  data,
});

describeEventLog("sqlite log", async () => {
  const folder = await temporaryFolder();
  return {
    open: (options) => Promise.resolve(openSqliteLog({ path: join(folder.path, "log.sqlite"), ...options })),
    remove: () => folder[Symbol.asyncDispose](),
  };
});

test("sqlite log - commits the appends of one turn together, none before the turn ends", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "log.sqlite");
  await using log = openSqliteLog({ path, maxPendingEvents: 1_000 });
  const commits: number[] = [];
  log.subscribe((events) => commits.push(events.length));
  const all = Array.from({ length: 50 }, (_, index) => log.append([event(String(index))]));
  using reader = new DatabaseSync(path, { readOnly: true });
  assert.equal(reader.prepare("SELECT count(*) AS n FROM events").get()?.["n"], 0);
  await all[0];
  assert.equal(reader.prepare("SELECT count(*) AS n FROM events").get()?.["n"], 50);
  await Promise.all(all);
  assert.deepEqual(commits, [50]);
});

/** A log whose fsyncs end when the test says so. */
async function logWithSyncs(folder: string) {
  const path = join(folder, "log.sqlite");
  const syncs: PromiseWithResolvers<void>[] = [];
  const waiting: (() => void)[] = [];
  const wal = {
    syncNow() {},
    sync() {
      const sync = Promise.withResolvers<void>();
      syncs.push(sync);
      for (const tell of waiting.splice(0)) tell();
      return sync.promise;
    },
    [Symbol.dispose]() {},
  };
  const log = openSqliteLog({ path, maxPendingEvents: 1_000, wal });
  const begun = async (count: number) => {
    while (syncs.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { log, syncs, begun, path };
}

test("sqlite log - shows nobody an event, nor answers for it, before the fsync has ended", async () => {
  await using folder = await temporaryFolder();
  const { log, syncs, begun } = await logWithSyncs(folder.path);
  const happened: string[] = [];
  log.subscribe((events) => happened.push(...events.map(({ id }) => id)));
  const appending = log.append([event("a")]).then(() => happened.push("answered"));
  await begun(1);
  assert.deepEqual(happened, []);
  assert.equal(await log.lastPosition(), 0);
  assert.deepEqual(await log.read({ after: 0, limit: 9 }), []);
  assert.equal(await log.get(1), undefined);
  assert.equal(await log.newest(["test"], 100), undefined);
  assert.equal(log.pendingEvents, 1);
  syncs[0]?.resolve();
  await appending;
  assert.deepEqual(happened, ["a", "answered"]);
  assert.equal(await log.lastPosition(), 1);
  assert.equal(log.pendingEvents, 0);
  await log.close();
});

test("sqlite log - commits what comes during an fsync, and answers it after the next one", async () => {
  await using folder = await temporaryFolder();
  const { log, syncs, begun, path } = await logWithSyncs(folder.path);
  const first = log.append([event("a")]);
  await begun(1);
  const second = log.append([event("b")]);
  const again = log.append([event("a")]);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  using reader = new DatabaseSync(path, { readOnly: true });
  assert.equal(reader.prepare("SELECT count(*) AS n FROM events").get()?.["n"], 2);
  assert.equal(syncs.length, 1);
  syncs[0]?.resolve();
  await first;
  assert.equal(await log.lastPosition(), 1);
  await begun(2);
  syncs[1]?.resolve();
  assert.deepEqual(await second, [{ position: 2, duplicate: false }]);
  assert.deepEqual(await again, [{ position: 1, duplicate: true }]);
  await log.close();
});

test("sqlite log - takes out again what an fsync failed for, and stores it when it is appended again", async () => {
  await using folder = await temporaryFolder();
  const { log, syncs, begun } = await logWithSyncs(folder.path);
  const seen: string[] = [];
  log.subscribe((events) => seen.push(...events.map(({ id }) => id)));
  const failing = [log.append([event("a")])];
  await begun(1);
  failing.push(log.append([event("b")]));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  syncs[0]?.reject(new Error("EIO"));
  for (const result of await Promise.allSettled(failing)) {
    assert.ok(result.status === "rejected" && result.reason instanceof HubError);
    assert.equal(result.reason.code, "log_failed");
  }
  assert.deepEqual(await log.read({ after: 0, limit: 9 }), []);
  assert.equal(log.pendingEvents, 0);
  const again = log.append([event("b")]);
  await begun(2);
  syncs[1]?.resolve();
  const [appended] = await again;
  assert.equal(appended?.duplicate, false);
  const read = await log.read({ after: 0, limit: 9 });
  assert.deepEqual(
    read.map(({ id, position }) => ({ id, position })),
    [{ id: "b", position: appended?.position }],
  );
  assert.deepEqual(seen, ["b"]);
  await log.close();
});

test("sqlite log - takes back a standing with the events that an fsync failed for, also when others followed", async () => {
  await using folder = await temporaryFolder();
  const { log, syncs, begun } = await logWithSyncs(folder.path);
  const at = (position: number) => ({
    source: "/s",
    groupId: "g",
    journal: "j",
    position,
    id: `${position}`,
  });
  const advance = (to: number) => ({ kind: "advance", from: to, standing: at(to) }) as const;
  const setting = log.append([], { kind: "set", standing: at(1) });
  await begun(1);
  syncs[0]?.resolve();
  await setting;
  const failing = [log.append([event("b")], advance(2))];
  await begun(2);
  failing.push(
    log.append([event("c")], advance(3)),
    log.append([], { kind: "set", standing: { ...at(7), groupId: "h" } }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  syncs[1]?.reject(new Error("EIO"));
  const codes = (await Promise.allSettled(failing)).map(
    (one) => one.status === "rejected" && (one.reason as HubError).code,
  );
  assert.deepEqual(codes, ["log_failed", "log_failed", "log_failed"]);
  assert.deepEqual(log.standing("/s", "g"), at(1));
  // What comes after a failure and does not wait for what failed is refused: it would leave a hole.
  const [early, again] = [log.append([event("d")], advance(4)), log.append([event("b")], advance(2))];
  await begun(3);
  syncs[2]?.resolve();
  await assert.rejects(early, { code: "out_of_sequence" });
  assert.deepEqual(await again, [{ position: 3, duplicate: false }]);
  assert.deepEqual([log.standing("/s", "g"), log.standing("/s", "h")], [at(2), undefined]);
  await log.close();
});

test("sqlite log - has each acknowledged event once after kill -9", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "log.sqlite");
  const program = join(import.meta.dirname, "../testing/append-forever.ts");
  for (let round = 1; round <= 3; round += 1) {
    const child = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    const printed: string[] = [];
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        printed.push(line);
        if (printed.length === round * 100) child.kill("SIGKILL");
      }
    } finally {
      child.kill("SIGKILL");
      await exited;
    }
    await using log = openSqliteLog({ path, maxPendingEvents: 10 });
    const found = new Map(
      (await log.read({ after: 0, limit: 1e9 })).map(({ id, position }) => [id, position]),
    );
    assert.ok(printed.length >= 100);
    for (const line of printed) {
      const [id = "", position] = line.split(" ");
      assert.equal(found.get(id), Number(position), line);
    }
  }
});

test("sqlite log - rejects what a full disk can't take, and recovers when there is room", async () => {
  const mount = await mkdtemp(join(tmpdir(), "sallyport-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mount]);
  try {
    await using log = openSqliteLog({ path: join(mount, "log.sqlite"), maxPendingEvents: 1_000 });
    await log.append([event("before")]);
    const { bavail, bsize } = await statfs(mount);
    await writeFile(join(mount, "filler"), Buffer.alloc(bavail * bsize, 1));
    const big = "x".repeat(200_000);
    const failed = await Promise.allSettled([log.append([event("a", big)]), log.append([event("b")])]);
    for (const result of failed) {
      assert.ok(result.status === "rejected" && result.reason instanceof HubError);
      assert.equal(result.reason.code, "log_failed");
    }
    await truncate(join(mount, "filler"), 0);
    await log.check();
    assert.equal((await log.append([event("a", big)]))[0]?.duplicate, false);
    assert.deepEqual(
      (await log.read({ after: 0, limit: 9 })).map(({ id }) => id),
      ["before", "a"],
    );
  } finally {
    execFileSync("umount", [mount]);
    await rm(mount, { recursive: true });
  }
});
