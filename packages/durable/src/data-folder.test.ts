import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takeDataFolder } from "./index.ts";

test("data folder - is made for its owner only, and taken once at a time", () => {
  const root = mkdtempSync(join(tmpdir(), "sallyport-durable-"));
  try {
    const folder = join(root, "a", "b");
    {
      using taken = takeDataFolder(folder);
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      assert.equal(taken.path("x"), join(folder, "x"));
      assert.throws(() => takeDataFolder(folder), { code: "data_dir_in_use" });
    }
    takeDataFolder(folder)[Symbol.dispose]();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("data folder - one that can't be made is an error, also where the file system lies about why", () => {
  const root = mkdtempSync(join(tmpdir(), "sallyport-durable-"));
  try {
    writeFileSync(join(root, "file"), "");
    for (const folder of [
      join(root, "file"),
      join(root, "file", "below"),
      "/proc/nope",
      "/proc/nope/below",
    ]) {
      assert.throws(() => takeDataFolder(folder), { code: "data_dir_unusable" }, folder);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});
