import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckState } from "@sallyport/agent";
import {
  diskCheck,
  keyFilesCheck,
  nodeCheck,
  openFilesCheck,
  ownerCheck,
  readLockHolder,
  readOpenFilesLimit,
  syncCheck,
} from "./machine-rules.ts";

const mib = 1024 * 1024;
const gib = 1024 * mib;
const file = (uid: number, mode: number) => ({ path: "/data/x", uid, mode });

test("node - an old one fails", () => {
  assert.equal(nodeCheck("24.0.0").state, "pass");
  assert.equal(nodeCheck("25.1.0").state, "pass");
  assert.equal(nodeCheck("22.19.0").state, "fail");
});

test("data folder - has to be its owner's alone, and all in it", () => {
  const rows: [uid: number, mode: number, own: number, strangers: number[], CheckState][] = [
    [998, 0o700, 998, [], "pass"],
    [0, 0o700, 0, [], "pass"],
    [998, 0o750, 998, [], "warn"],
    [998, 0o700, 0, [], "warn"],
    // Something was run as root on the folder of the hub's user.
    [998, 0o700, 998, [0], "fail"],
    // Root may use whatever others left.
    [0, 0o700, 0, [998], "pass"],
  ];
  for (const [uid, mode, own, strangers, state] of rows) {
    const found = ownerCheck(
      file(uid, mode),
      own,
      strangers.map((one) => file(one, 0o600)),
    );
    assert.equal(found.state, state, found.found);
  }
});

test("key files - others must not read them, a group only if it is meant to", () => {
  const rows: [modes: number[], CheckState][] = [
    [[], "pass"],
    [[0o600, 0o400], "pass"],
    [[0o600, 0o640], "warn"],
    [[0o640, 0o644], "fail"],
    [[0o602], "fail"],
  ];
  for (const [modes, state] of rows) {
    assert.equal(keyFilesCheck(modes.map((mode) => file(1, mode))).state, state, String(modes));
  }
});

test("disk - has to have room for what the log may still become", () => {
  const rows: [free: number, log: number, maxLog: number, CheckState][] = [
    [20 * gib, 1 * gib, 10 * gib, "pass"],
    [9 * gib, 1 * gib, 10 * gib, "pass"],
    [8 * gib, 1 * gib, 10 * gib, "warn"],
    [300 * mib, 11 * gib, 10 * gib, "pass"],
    [255 * mib, 11 * gib, 10 * gib, "fail"],
    [0, 0, 10 * gib, "fail"],
  ];
  for (const [free, log, maxLog, state] of rows) {
    const found = diskCheck({ free, log, maxLog });
    assert.equal(found.state, state, found.found);
  }
  assert.match(
    diskCheck({ free: 8 * gib, log: gib, maxLog: 10 * gib }).todo ?? "",
    /maxLogBytes=5368709120$/,
  );
});

test("fsync - the median counts, one that is slow does not", () => {
  assert.equal(syncCheck([2, 3, 400]).state, "pass");
  assert.match(syncCheck([2, 4, 400]).found, /about 250 a second/);
  assert.equal(syncCheck([30, 31, 1]).state, "warn");
});

test("open files - one for each primary and some to spare", () => {
  const rows: [limit: number | undefined, primaries: number, CheckState][] = [
    [undefined, 100_000, "pass"],
    [20_000, 5_000, "pass"],
    [1_024, 0, "pass"],
    [1_024, 1, "warn"],
    [1_024, 1_024, "fail"],
  ];
  for (const [limit, primaries, state] of rows) {
    assert.equal(openFilesCheck(limit, primaries, true).state, state, `${limit} ${primaries}`);
  }
});

test("open files - the hard limit counts, which Node raises its own to", () => {
  const text = (hard: string) =>
    `Limit                     Soft Limit           Hard Limit           Units\nMax processes             1                    2                    processes\nMax open files            1024                 ${hard}              files\n`;
  assert.equal(readOpenFilesLimit(text("524288")), 524_288);
  assert.equal(readOpenFilesLimit(text("unlimited")), undefined);
});

test("lock - its holder is found by the file's inode", () => {
  const text =
    "1: POSIX  ADVISORY  WRITE 7 fd:00:12 0 EOF\n2: POSIX  ADVISORY  WRITE 4711 fd:00:1234 1073741824 1073742335\n3: POSIX  ADVISORY  READ 0 fd:00:55 0 EOF\n";
  assert.equal(readLockHolder(text, 1234), 4711);
  assert.equal(readLockHolder(text, 123), undefined);
  // A process of another namespace has no number here.
  assert.equal(readLockHolder(text, 55), undefined);
});
