import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { openDatabase } from "@sallyport/durable";
import { migrations } from "../schema.ts";
import { localAccess } from "./repository-access.ts";
import { Restic } from "./restic.ts";
import { RunningProcesses } from "./running-processes.ts";

test("restic - finds a snapshot's id by its file only where there is just one, and no file that is none", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-snapshots-"));
  try {
    using database = openDatabase({ path: join(dir, "primary.db"), migrations });
    const restic = new Restic({
      program: "restic",
      access: async () => localAccess(dir, join(dir, "password")),
      workDir: dir,
      processes: new RunningProcesses(database),
      signal: new AbortController().signal,
    });
    assert.equal(await restic.findSnapshotFile("aaaaaaaa"), undefined);
    const [first, second] = ["a".repeat(64), `${"a".repeat(63)}b`];
    await mkdir(join(dir, "snapshots"));
    await writeFile(join(dir, "snapshots", first), "");
    await writeFile(join(dir, "snapshots", "aaaaaaaa-tmp-123"), "");
    assert.equal(await restic.findSnapshotFile("aaaaaaaa"), first);
    assert.equal(await restic.findSnapshotFile("bbbbbbbb"), undefined);
    await writeFile(join(dir, "snapshots", second), "");
    assert.equal(await restic.findSnapshotFile("aaaaaaaa"), undefined);
    assert.equal(await restic.findSnapshotFile(second), second);
  } finally {
    await rm(dir, { recursive: true });
  }
});
