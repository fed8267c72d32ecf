import { openDatabase, type Database } from "@sallyport/durable";
import type { Command, CommandAnswer } from "@sallyport/nbwss";
import type { commandStates, StoredCommand } from "../api/commands-schemas.ts";
import { fromCursor, toPage } from "../api/paging.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { Sealing } from "../secrets/sealing.ts";
import type { Call } from "../gateway/call.ts";

/** Where a stored command stands. */
export type StoredCommandState = (typeof commandStates)[number];

/** How a stored command ended. */
export interface CommandOutcome {
  state: Extract<StoredCommandState, "done" | "failed" | "expired" | "cancelled" | "unknown">;
  error: string | null;
  mayHaveBeenExecuted: boolean;
  retrySafe: boolean;
  answer: CommandAnswer | undefined;
}

/** A stored command that is to be sent. */
export interface QueuedCommand {
  id: string;
  primaryId: string;
  callerId: string;
  method: string;
  path: string;
  /** Epoch ms. */
  expiresAtMs: number;
  command: Command;
}

/** What the store is made of. */
export interface CommandStoreOptions {
  path: string;
  sealing: Sealing;
  limits: Pick<HubLimits, "maxStoredCommandsPerPrimary" | "maxStoredCommandBytes" | "keepCommandAnswersMs">;
  /** Epoch ms. */
  now: () => number;
}

interface Row {
  id: string;
  serial: number;
  primary_id: string;
  caller_id: string;
  created_by: string;
  method: string;
  path: string;
  state: StoredCommandState;
  created_at_ms: number;
  expires_at_ms: number;
  finished_at_ms: number | null;
  error: string | null;
  may_have_been_executed: number;
  retry_safe: number;
  sealed_command: string | null;
  sealed_answer: string | null;
}

const schema = `CREATE TABLE commands (
  serial INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  primary_id TEXT NOT NULL,
  caller_id TEXT NOT NULL,
  created_by TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  error TEXT,
  may_have_been_executed INTEGER NOT NULL DEFAULT 0,
  retry_safe INTEGER NOT NULL DEFAULT 1,
  sealed_command TEXT,
  sealed_answer TEXT
) STRICT;
CREATE INDEX commands_by_primary ON commands (primary_id, state, serial);
CREATE INDEX commands_by_end ON commands (finished_at_ms);`;

/**
 * Commands that the hub keeps until their primary is there (`Prefer: respond-async`). Bodies and answers are sealed: they may hold
 * passwords and tokens.
 */
export class CommandStore implements Disposable {
  readonly #options: CommandStoreOptions;
  readonly #database: Database;

  constructor(options: CommandStoreOptions) {
    this.#options = options;
    this.#database = openDatabase({ path: options.path, migrations: [schema] });
    this.#database.connection.exec("PRAGMA secure_delete=ON");
  }

  /**
   * Keeps a command; it is on disk when this resolves, which is what the 202 says.
   * @throws HubError `busy` when too many, or too large ones, wait already
   */
  accept(call: Call, command: Command): Promise<CommandAnswer> {
    const { sealing, limits, now } = this.#options;
    const { id, primary, caller, method, target, timeoutMs } = call;
    const sealed = sealing.seal(JSON.stringify(command), id);
    this.#database.transaction(() => {
      this.#requireRoom(primary.id, sealed.length, limits);
      this.#database
        .prepare(
          `INSERT INTO commands (id, primary_id, caller_id, created_by, method, path, state, created_at_ms,
           expires_at_ms, sealed_command) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?)`,
        )
        .run(id, primary.id, caller.id, caller.name, method, target.path, now(), now() + timeoutMs, sealed);
    });
    const location = `/api/v1/commands/${id}`;
    return Promise.resolve({
      status: 202,
      headers: { "content-type": "application/json", location, "preference-applied": "respond-async" },
      body: JSON.stringify({ id, state: "queued", location }),
    });
  }

  /** The next command of a primary, in the order of acceptance; undefined when none waits. */
  next(primaryId: string): QueuedCommand | undefined {
    const row = this.#database
      .prepare("SELECT * FROM commands WHERE primary_id = ? AND state = 'queued' ORDER BY serial LIMIT 1")
      .get(primaryId) as unknown as Row | undefined;
    if (row === undefined) return undefined;
    const { id, caller_id: callerId, method, path, expires_at_ms: expiresAtMs, sealed_command: sealed } = row;
    const command = JSON.parse(this.#options.sealing.open(sealed ?? "", id)) as Command;
    return { id, primaryId, callerId, method, path, expiresAtMs, command };
  }

  /** Notes that a command is about to be sent; on disk when this returns, so that it is never sent twice. */
  markSent(id: string): void {
    this.#database.prepare("UPDATE commands SET state = 'sent' WHERE id = ?").run(id);
  }

  /** Nothing of it has left: it waits again. */
  markQueued(id: string): void {
    this.#database.prepare("UPDATE commands SET state = 'queued' WHERE id = ?").run(id);
  }

  /** Keeps how a command ended; its request is forgotten. */
  finish(id: string, outcome: CommandOutcome): void {
    const { sealing, now } = this.#options;
    const { state, error, mayHaveBeenExecuted, retrySafe, answer } = outcome;
    const sealed = answer === undefined ? null : sealing.seal(JSON.stringify(answer), id);
    this.#database
      .prepare(
        `UPDATE commands SET state = ?, error = ?, may_have_been_executed = ?, retry_safe = ?, finished_at_ms = ?,
         sealed_command = NULL, sealed_answer = ? WHERE id = ?`,
      )
      .run(state, error, Number(mayHaveBeenExecuted), Number(retrySafe), now(), sealed, id);
  }

  /** Those that were being sent when the hub ended: nobody knows how they ended. */
  listSent(): QueuedFacts[] {
    return this.#facts("state = 'sent'", []);
  }

  /** Those that wait and whose time is over. */
  listExpired(): QueuedFacts[] {
    return this.#facts("state = 'queued' AND expires_at_ms <= ?", [this.#options.now()]);
  }

  /** The primaries for which a command waits. */
  waitingPrimaries(): string[] {
    const sql = "SELECT DISTINCT primary_id AS id FROM commands WHERE state = 'queued'";
    return (this.#database.prepare(sql).all() as { id: string }[]).map(({ id }) => id);
  }

  /** How many wait. */
  get queued(): number {
    const sql = "SELECT count(*) AS count FROM commands WHERE state IN ('queued', 'sent')";
    return Number(this.#database.prepare(sql).get()?.["count"] ?? 0);
  }

  /** Whether nothing is kept at all. */
  get isEmpty(): boolean {
    return this.#database.prepare("SELECT 1 FROM commands LIMIT 1").get() === undefined;
  }

  /** Forgets commands that ended long ago, and with them their answers. */
  prune(): void {
    const { now, limits } = this.#options;
    this.#database
      .prepare("DELETE FROM commands WHERE finished_at_ms < ?")
      .run(now() - limits.keepCommandAnswersMs);
  }

  /** One command; undefined when there is none. */
  get(id: string): StoredCommand | undefined {
    const row = this.#database.prepare("SELECT * FROM commands WHERE id = ?").get(id) as unknown as
      | Row
      | undefined;
    if (row === undefined) return undefined;
    const { sealed_answer: sealed } = row;
    const answer =
      sealed === null ? null : (JSON.parse(this.#options.sealing.open(sealed, id)) as CommandAnswer);
    return { ...toSummary(row), answer };
  }

  /** A page, newest first. */
  list(query: CommandsQuery): { data: StoredCommand[]; next: string | null } {
    const conditions = ["TRUE"];
    const values: (string | number)[] = [];
    if (query.state !== undefined) {
      conditions.push("state = ?");
      values.push(query.state);
    }
    if (query.primaries !== "all") {
      conditions.push(`primary_id IN (${query.primaries.map(() => "?").join(", ")})`);
      values.push(...query.primaries);
    }
    if (query.cursor !== undefined) {
      conditions.push("serial < ?");
      values.push(Number(fromCursor(query.cursor, 1)[0]));
    }
    const rows = this.#database
      .prepare(`SELECT * FROM commands WHERE ${conditions.join(" AND ")} ORDER BY serial DESC LIMIT ?`)
      .all(...values, query.limit + 1) as unknown as Row[];
    const page = toPage(rows, query.limit, ({ serial }) => [serial]);
    return { data: page.data.map(toSummary), next: page.next };
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #facts(condition: string, values: number[]): QueuedFacts[] {
    const rows = this.#database
      .prepare(
        `SELECT id, primary_id, method, path FROM commands WHERE ${condition} ORDER BY serial LIMIT 1000`,
      )
      .all(...values) as unknown as Row[];
    return rows.map(({ id, primary_id: primaryId, method, path }) => ({ id, primaryId, method, path }));
  }

  #requireRoom(primaryId: string, bytes: number, limits: CommandStoreOptions["limits"]): void {
    const sums = this.#database
      .prepare(
        `SELECT count(*) FILTER (WHERE primary_id = ?) AS count, coalesce(sum(length(sealed_command)), 0) AS bytes
         FROM commands WHERE state IN ('queued', 'sent')`,
      )
      .get(primaryId) as { count: number; bytes: number };
    if (sums.count < limits.maxStoredCommandsPerPrimary && sums.bytes + bytes <= limits.maxStoredCommandBytes)
      return;
    const message = `${sums.count} commands wait for this primary already, ${sums.bytes} bytes in all; try again later`;
    throw new HubError("busy", message, { mayHaveBeenExecuted: false, retryAfterS: 60 });
  }
}

/** What the runner needs to end a command. */
export type QueuedFacts = Pick<QueuedCommand, "id" | "primaryId" | "method" | "path">;

/** Which stored commands are wanted. */
export interface CommandsQuery {
  limit: number;
  cursor?: string | undefined;
  state?: StoredCommandState | undefined;
  /** Ids of primaries. */
  primaries: "all" | readonly string[];
}

function toSummary(row: Row): StoredCommand {
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    id: row.id,
    primaryId: row.primary_id,
    method: row.method,
    path: row.path,
    state: row.state,
    createdAt: iso(row.created_at_ms),
    createdBy: row.created_by,
    expiresAt: iso(row.expires_at_ms),
    finishedAt: row.finished_at_ms === null ? null : iso(row.finished_at_ms),
    error: row.error,
    mayHaveBeenExecuted: row.state === "sent" || row.may_have_been_executed === 1,
    retrySafe: row.retry_safe === 1,
  };
}
