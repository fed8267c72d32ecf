import { chmodSync, writeFileSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { HubError } from "../errors.ts";

/** All pages in one step: a copy in several begins anew whenever the hub writes in between, and a busy hub always does. */
const allPages = 2 ** 31 - 1;
/** How long a writer may hold the file, ms; in WAL mode none does for long. */
const busyTimeoutMs = 10_000;

/**
 * Copies a database as it is at one moment, while another process goes on writing to it, into one new file (mode 0600, without a WAL
 * beside it), and checks the copy.
 * @throws HubError `bad_backup` when the copy is damaged; Error when a file can't be read or written
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  writeFileSync(to, "", { mode: 0o600, flag: "wx" });
  {
    using source = new DatabaseSync(from, { readOnly: true, timeout: busyTimeoutMs });
    await backup(source, to, { rate: allPages });
  }
  chmodSync(to, 0o600);
  using copy = new DatabaseSync(to);
  copy.exec("PRAGMA journal_mode=DELETE");
  const rows = copy.prepare("PRAGMA integrity_check(1)").all();
  const found = String(rows[0]?.["integrity_check"] ?? "nothing");
  if (found !== "ok") throw new HubError("bad_backup", `the copy of ${from} is damaged: ${found}`);
}

/** How far a log is; the file may be in use. */
export function readLogEnd(path: string): { events: number; lastPosition: number } {
  using database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  const row = database
    .prepare("SELECT count(*) AS events, COALESCE(MAX(position), 0) AS last FROM events")
    .get();
  return { events: Number(row?.["events"]), lastPosition: Number(row?.["last"]) };
}

/**
 * Takes back stored commands that waited when the backup was made: the hub that was backed up may have sent them since, and none may be
 * sent twice. A hub that finds a command `sent` at its start says that nobody knows how it ended.
 */
export function holdCommands(path: string): void {
  using database = new DatabaseSync(path);
  database.exec("UPDATE commands SET state = 'sent' WHERE state = 'queued'");
}

/**
 * Aborts rollouts that had not ended when the backup was made: the hub that was backed up may have started any of their targets since, so
 * nobody knows how those ended that waited or were started.
 */
export function abortRollouts(path: string, reason: string, nowMs: number): void {
  using database = new DatabaseSync(path);
  database.exec("BEGIN IMMEDIATE");
  database
    .prepare(
      `UPDATE rollout_targets SET state = 'unknown', error = 'restored', ended_at_ms = ? WHERE state = 'waiting' AND rollout IN (
         SELECT serial FROM rollouts WHERE ended_at_ms IS NULL)`,
    )
    .run(nowMs);
  database
    .prepare(
      "UPDATE rollouts SET state = 'aborted', reason = ?, ended_at_ms = ?, sealed_command = NULL WHERE ended_at_ms IS NULL",
    )
    .run(reason, nowMs);
  database.exec("COMMIT");
}

/**
 * Makes a log go on with larger positions than it would. The hub that was backed up has given out the next ones already; a reader that
 * knows them would take other events for those, and miss them.
 */
export function skipPositions(path: string, count: number): void {
  using database = new DatabaseSync(path);
  const last = Number(
    database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get()?.["seq"] ?? 0,
  );
  database.exec("BEGIN IMMEDIATE; DELETE FROM sqlite_sequence WHERE name = 'events'");
  database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)").run(last + count);
  database.exec("COMMIT");
}
