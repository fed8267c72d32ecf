import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Database } from "@sallyport/durable";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { LogEvent, StoredEvent } from "../log/log.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { LogLines, temporaryFolder } from "../testing/hub-fixture.ts";
import { Views, type View } from "./views.ts";

/** Keeps the ids of all events in a table of some name. */
class IdsView implements View {
  readonly schema: string;
  readonly revision: number;
  #database: Database | undefined;

  constructor(more = "", revision = 0) {
    this.schema = `CREATE TABLE ids (id TEXT NOT NULL${more}) STRICT;`;
    this.revision = revision;
  }

  attach(database: Database): void {
    this.#database = database;
  }

  ids(): unknown[] {
    return (this.#database?.prepare("SELECT id FROM ids").all() ?? []).map(({ id }) => id);
  }

  fold(event: StoredEvent): void {
    this.#database?.prepare("INSERT INTO ids (id) VALUES (?)").run(event.id);
  }
}

const event = (id: string): LogEvent => ({
  id,
  type: "test",
  source: "/test",
  subject: "s",
  time: "2026-11-24T00:00:00Z",
  data: null,
});

/** Opens a log with these events and its views, as a hub does; says what they show and what was logged. */
async function openOnce(dir: string, view: IdsView, events: readonly string[], logName = "log.sqlite") {
  const lines = new LogLines();
  await using log = openSqliteLog({ path: join(dir, logName), maxPendingEvents: 100 });
  using views = await Views.open({
    path: join(dir, "views.sqlite"),
    log,
    views: [view],
    clock: new ManualClock(),
    logger: lines.logger,
    concerns: () => true,
    retryMs: 1,
  });
  if (events.length > 0) await log.append(events.map(event));
  const why = lines.all("views.rebuilding").map((line) => line["why"]);
  return { shown: view.ids(), why, position: views.position };
}

test("views - are folded anew when their tables are those of another version, and only then", async () => {
  await using folder = await temporaryFolder();
  const first = await openOnce(folder.path, new IdsView(), ["a", "b"]);
  assert.deepEqual(first, { shown: ["a", "b"], why: [], position: 2 });
  const same = await openOnce(folder.path, new IdsView(), ["c"]);
  assert.deepEqual([same.shown, same.why], [["a", "b", "c"], []]);
  const why = ["its tables are those of another version"];
  const newer = await openOnce(folder.path, new IdsView(", size INTEGER"), []);
  assert.deepEqual([newer.shown, newer.why], [["a", "b", "c"], why]);
  const revised = await openOnce(folder.path, new IdsView(", size INTEGER", 1), ["d"]);
  assert.deepEqual([revised.shown, revised.why], [["a", "b", "c", "d"], why]);
  const older = await openOnce(folder.path, new IdsView(), []);
  assert.deepEqual([older.shown, older.why], [["a", "b", "c", "d"], why]);
});

test("views - are folded anew when the file is damaged or belongs to another log", async () => {
  await using folder = await temporaryFolder();
  await openOnce(folder.path, new IdsView(), ["a", "b"]);
  writeFileSync(
    join(folder.path, "views.sqlite"),
    "no database at all, but longer than its header is ".repeat(9),
  );
  const damaged = await openOnce(folder.path, new IdsView(), []);
  assert.deepEqual([damaged.shown, damaged.why], [["a", "b"], ["the file is damaged"]]);
  const longer = await openOnce(folder.path, new IdsView(), ["x", "y", "z"], "other.sqlite");
  assert.deepEqual(longer.shown, ["x", "y", "z"]);
  const otherAgain = await openOnce(folder.path, new IdsView(), [], "log.sqlite");
  assert.deepEqual([otherAgain.shown, otherAgain.why], [["a", "b"], ["it was folded from another log"]]);
  const other = await openOnce(folder.path, new IdsView(), [], "other.sqlite");
  assert.deepEqual([other.shown, other.why], [["x", "y", "z"], ["it was folded from another log"]]);
});

test("views - that can't write how far they have come say so, and close all the same", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "views.sqlite");
  const lines = new LogLines();
  await using log = openSqliteLog({ path: join(folder.path, "log.sqlite"), maxPendingEvents: 100 });
  const view = new IdsView();
  const views = await Views.open({
    path,
    log,
    views: [view],
    concerns: () => false,
    clock: new ManualClock(),
    logger: lines.logger,
    retryMs: 1,
  });
  await log.append([event("a")]);
  assert.equal(views.position, 1, "what is no concern of it is passed over");
  {
    using other = new DatabaseSync(path);
    other.exec("DROP TABLE reached");
  }
  views.close();
  assert.equal(lines.all("views.position_not_saved").length, 1);
  assert.throws(() => view.ids(), /not open/);
});
