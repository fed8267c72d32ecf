import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "./index.ts";

function inFolder(body: (path: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-durable-"));
  try {
    body(join(dir, "test.sqlite"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const first = "CREATE TABLE item (name TEXT NOT NULL) STRICT";
const second = "ALTER TABLE item ADD COLUMN size INTEGER";

test("database - commits with fsync and is readable by its owner only", () =>
  inFolder((path) => {
    using database = openDatabase({ path, migrations: [first] });
    assert.deepEqual({ ...database.prepare("PRAGMA synchronous").get() }, { synchronous: 2 });
    assert.deepEqual({ ...database.prepare("PRAGMA journal_mode").get() }, { journal_mode: "wal" });
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }));

test("database - a failed transaction leaves nothing, an inner one belongs to the outer", () =>
  inFolder((path) => {
    using database = openDatabase({ path, migrations: [first] });
    const insert = database.prepare("INSERT INTO item VALUES (?)");
    assert.throws(() =>
      database.transaction(() => {
        database.transaction(() => insert.run("a"));
        throw new Error("stop");
      }),
    );
    assert.equal(database.prepare("SELECT count(*) AS n FROM item").get()?.["n"], 0);
    database.transaction(() => insert.run("b"));
    assert.equal(database.prepare("SELECT count(*) AS n FROM item").get()?.["n"], 1);
  }));

test("database - opens an old schema with the missing steps, refuses a newer one", () =>
  inFolder((path) => {
    openDatabase({ path, migrations: [first] }).close();
    openDatabase({ path, migrations: [first, second] }).close();
    assert.throws(() => openDatabase({ path, migrations: [first] }), /schema version 2.*newer version/);
  }));

test("database - parts that share a file have their own versions and one transaction", () =>
  inFolder((path) => {
    using database = openDatabase({ path, migrations: [first] });
    const other = "CREATE TABLE other (name TEXT NOT NULL) STRICT";
    database.migrate("other", [other]);
    database.migrate("other", [other]);
    assert.throws(() =>
      database.transaction(() => {
        database.prepare("INSERT INTO item VALUES ('a')").run();
        database.prepare("INSERT INTO other VALUES ('a')").run();
        throw new Error("stop");
      }),
    );
    const counts = "SELECT (SELECT count(*) FROM item) + (SELECT count(*) FROM other) AS n";
    assert.equal(database.prepare(counts).get()?.["n"], 0);
  }));

test("database - keeps prepared statements by their text, the used ones longest", () =>
  inFolder((path) => {
    using database = openDatabase({ path, migrations: [first] });
    const kept = database.prepared("SELECT 1 AS n");
    const dropped = database.prepared("SELECT -1 AS n");
    for (let at = 0; at < 250; at += 1) {
      assert.equal(database.prepared(`SELECT ${at} AS m`).get()?.["m"], at);
      assert.equal(database.prepared("SELECT 1 AS n"), kept);
    }
    assert.equal(kept.get()?.["n"], 1);
    assert.notEqual(database.prepared("SELECT -1 AS n"), dropped);
  }));

test("database - commits with fsync again after a transaction without it, also one that failed", () =>
  inFolder((path) => {
    using database = openDatabase({ path, migrations: [first] });
    const synchronous = () => Number(database.prepare("PRAGMA synchronous").get()?.["synchronous"]);
    database.transactionWithoutSync(() => {
      assert.equal(synchronous(), 1);
      database.prepare("INSERT INTO item VALUES ('a')").run();
    });
    assert.equal(synchronous(), 2);
    database.transaction(() => database.transactionWithoutSync(() => assert.equal(synchronous(), 2)));
    assert.throws(() =>
      database.transactionWithoutSync(() => database.prepare("INSERT INTO item VALUES (NULL)").run()),
    );
    assert.equal(synchronous(), 2);
    assert.equal(database.prepare("SELECT count(*) AS n FROM item").get()?.["n"], 1);
  }));
