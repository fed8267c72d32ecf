import { openDatabase, type Database } from "@sallyport/durable";
import type { Command, CommandAnswer } from "@sallyport/nbwss";
import type { StoredCommand } from "../api/commands-schemas.ts";
import { fromCursor, toPage } from "../api/paging.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { Sealing } from "../secrets/sealing.ts";
import type { Call } from "../gateway/call.ts";
import { commandMigrations, toSummary, type CommandRow, type StoredCommandState } from "./command-rows.ts";

/** How a stored command ended. */
export interface CommandOutcome {
  state: Extract<StoredCommandState, "done" | "failed" | "expired" | "cancelled" | "unknown">;
  error: string | null;
  mayHaveBeenExecuted: boolean;
  retrySafe: boolean;
  answer: CommandAnswer | undefined;
}

/** A command that is to be stored: whose, for whom, for how long. */
export interface NewCommand extends Pick<Call, "id" | "from" | "method" | "timeoutMs"> {
  primary: Pick<Call["primary"], "id">;
  caller: Pick<Call["caller"], "kind" | "id" | "name">;
  target: Pick<Call["target"], "path">;
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
  limits: Pick<
    HubLimits,
    "maxStoredCommandsPerPrimary" | "maxStoredCommandBytes" | "maxStoredAnswerBytes" | "keepCommandAnswersMs"
  >;
  /** Epoch ms. */
  now: () => number;
}

/**
 * Commands that the hub keeps until their primary is there (`Prefer: respond-async`). Bodies and answers are sealed: they may hold
 * passwords and tokens.
 */
export class CommandStore implements Disposable {
  readonly #options: CommandStoreOptions;
  readonly #database: Database;
  /** At least what the answers hold: of what was deleted since it was counted it does not know. */
  #answerBytes: number;

  constructor(options: CommandStoreOptions) {
    this.#options = options;
    this.#database = openDatabase({ path: options.path, migrations: commandMigrations });
    this.#database.connection.exec("PRAGMA secure_delete=ON");
    this.#answerBytes = this.#countAnswerBytes();
  }

  /**
   * Keeps a command; it is on disk when this resolves, which is what the 202 says.
   * @param keyHash of the Idempotency-Key that it came with, for `acceptedUnder`
   * @throws HubError `busy` when too many, or too large ones, wait already
   */
  accept(call: Call, command: Command, keyHash?: string): Promise<CommandAnswer> {
    this.#insert(call, command, keyHash);
    return Promise.resolve(acceptedAnswer(call.id));
  }

  /**
   * Keeps a command under an id that always is the same for the same command; on disk when this returns.
   * @returns false when there is one of this id already
   * @throws HubError `busy` as `accept`
   */
  acceptOnce(call: NewCommand, command: Command): boolean {
    const isNew = this.outcomeOf(call.id) === undefined;
    if (isNew) this.#insert(call, command);
    return isNew;
  }

  /** The answer to the command that came with this key since then; undefined when none was accepted, or it is forgotten. */
  acceptedUnder(keyHash: string, sinceMs: number): CommandAnswer | undefined {
    const row = this.#database
      .prepare(
        "SELECT id FROM commands WHERE idempotency_hash = ? AND created_at_ms >= ? ORDER BY serial DESC LIMIT 1",
      )
      .get(keyHash, sinceMs) as { id: string } | undefined;
    return row === undefined ? undefined : acceptedAnswer(row.id);
  }

  /** The next command of a primary, in the order of acceptance; undefined when none waits. */
  next(primaryId: string): QueuedCommand | undefined {
    const row = this.#database
      .prepare("SELECT * FROM commands WHERE primary_id = ? AND state = 'queued' ORDER BY serial LIMIT 1")
      .get(primaryId) as unknown as CommandRow | undefined;
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

  /** Keeps how commands ended, all or none; their requests are forgotten. That they ended is `listUnannounced` from then on. */
  finish(ended: readonly EndedCommand[]): void {
    const { sealing, now } = this.#options;
    const update = this.#database.prepare(
      `UPDATE commands SET state = ?, error = ?, may_have_been_executed = ?, retry_safe = ?, finished_at_ms = ?,
       sealed_command = NULL, sealed_answer = ?, answer_status = ? WHERE id = ?`,
    );
    this.#database.transaction(() => {
      for (const { facts, outcome } of ended) {
        const { state, error, mayHaveBeenExecuted, retrySafe, answer } = outcome;
        const sealed = answer === undefined ? null : sealing.seal(JSON.stringify(answer), facts.id);
        this.#answerBytes += sealed?.length ?? 0;
        const flags = [Number(mayHaveBeenExecuted), Number(retrySafe)];
        update.run(state, error, ...flags, now(), sealed, answer?.status ?? null, facts.id);
      }
    });
  }

  /** Some of those that were being sent when the hub ended: nobody knows how they ended. */
  listSent(): QueuedFacts[] {
    return this.#some("state = 'sent'").map(toFacts);
  }

  /** Some of those that wait and whose time is over. */
  listExpired(): QueuedFacts[] {
    return this.#some("state = 'queued' AND expires_at_ms <= ?", this.#options.now()).map(toFacts);
  }

  /** Some of those that ended and whose end is perhaps not in the log. */
  listUnannounced(): FinishedFacts[] {
    const rows = this.#some("announced = 0 AND finished_at_ms IS NOT NULL");
    return rows.map((row) => ({
      ...toFacts(row),
      state: row.state,
      status: row.answer_status,
      caller: { kind: row.caller_kind, id: row.caller_id, name: row.created_by },
      from: row.caller_from,
    }));
  }

  /** Notes that the ends of these are in the log. */
  markAnnounced(ids: readonly string[]): void {
    const update = this.#database.prepare("UPDATE commands SET announced = 1 WHERE id = ?");
    this.#database.transaction(() => {
      for (const id of ids) update.run(id);
    });
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

  /** Forgets commands that ended long ago, and answers beyond their bound, the oldest first. One whose end the log has not is kept. */
  prune(): void {
    const { now, limits } = this.#options;
    const before = now() - limits.keepCommandAnswersMs;
    this.#database.prepare("DELETE FROM commands WHERE finished_at_ms < ? AND announced = 1").run(before);
    this.#database
      .prepare(
        "UPDATE commands SET sealed_answer = NULL WHERE finished_at_ms < ? AND sealed_answer IS NOT NULL",
      )
      .run(before);
    if (this.#answerBytes <= limits.maxStoredAnswerBytes) return;
    this.#database
      .prepare(
        `UPDATE commands SET sealed_answer = NULL WHERE serial IN (SELECT serial FROM (
           SELECT serial, sum(octet_length(sealed_answer)) OVER (ORDER BY serial DESC) AS bytes
           FROM commands WHERE sealed_answer IS NOT NULL) WHERE bytes > ?)`,
      )
      .run(limits.maxStoredAnswerBytes);
    this.#answerBytes = this.#countAnswerBytes();
  }

  /** One command; undefined when there is none. */
  get(id: string): StoredCommand | undefined {
    const row = this.#database.prepare("SELECT * FROM commands WHERE id = ?").get(id) as unknown as
      | CommandRow
      | undefined;
    if (row === undefined) return undefined;
    const { sealed_answer: sealed } = row;
    const answer =
      sealed === null ? null : (JSON.parse(this.#options.sealing.open(sealed, id)) as CommandAnswer);
    return { ...toSummary(row), answer };
  }

  /** Where a command stands, without its answer's body; undefined when there is none of this id. */
  outcomeOf(
    id: string,
  ): { state: StoredCommandState; error: string | null; status: number | null } | undefined {
    const row = this.#database
      .prepare("SELECT state, error, answer_status AS status FROM commands WHERE id = ?")
      .get(id);
    return row as { state: StoredCommandState; error: string | null; status: number | null } | undefined;
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
      .all(...values, query.limit + 1) as unknown as CommandRow[];
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

  /** At most 1,000 rows, the oldest first: whoever wants all asks until there is none. */
  #some(condition: string, ...values: number[]): CommandRow[] {
    return this.#database
      .prepare(
        `SELECT id, primary_id, method, path, state, answer_status, caller_kind, caller_id, created_by, caller_from
         FROM commands WHERE ${condition} ORDER BY serial LIMIT 1000`,
      )
      .all(...values) as unknown as CommandRow[];
  }

  #countAnswerBytes(): number {
    const sql = "SELECT coalesce(sum(octet_length(sealed_answer)), 0) AS bytes FROM commands";
    return Number(this.#database.prepare(sql).get()?.["bytes"] ?? 0);
  }

  #insert(call: NewCommand, command: Command, keyHash?: string): void {
    const { sealing, limits, now } = this.#options;
    const { id, primary, caller, method, target, timeoutMs } = call;
    const sealed = sealing.seal(JSON.stringify(command), id);
    this.#database.transaction(() => {
      this.#requireRoom(primary.id, sealed.length, limits);
      this.#database
        .prepare(
          `INSERT INTO commands (id, primary_id, caller_id, created_by, method, path, state, created_at_ms,
           expires_at_ms, sealed_command, idempotency_hash, caller_kind, caller_from)
           VALUES ($id, $primary, $caller, $by, $method, $path, 'queued', $now, $expires, $sealed, $keyHash, $kind, $from)`,
        )
        .run({
          id,
          primary: primary.id,
          caller: caller.id,
          by: caller.name,
          method,
          path: target.path,
          now: now(),
          expires: now() + timeoutMs,
          sealed,
          keyHash: keyHash ?? null,
          kind: caller.kind,
          from: call.from,
        });
    });
  }

  #requireRoom(primaryId: string, bytes: number, limits: CommandStoreOptions["limits"]): void {
    const sums = this.#database
      .prepare(
        `SELECT count(*) FILTER (WHERE primary_id = ?) AS count, coalesce(sum(octet_length(sealed_command)), 0) AS bytes
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

/** A command, and how it ended. */
export interface EndedCommand {
  facts: QueuedFacts;
  outcome: CommandOutcome;
}

/** What is told of a command that ended. */
export interface FinishedFacts extends QueuedFacts {
  state: StoredCommandState;
  /** The status of the primary's answer; null when there was none. */
  status: number | null;
  caller: { kind: "api-key" | "user"; id: string; name: string };
  /** The network address that it was ordered from. */
  from: string;
}

/** Which stored commands are wanted. */
export interface CommandsQuery {
  limit: number;
  cursor?: string | undefined;
  state?: StoredCommandState | undefined;
  /** Ids of primaries. */
  primaries: "all" | readonly string[];
}

function toFacts({ id, primary_id: primaryId, method, path }: CommandRow): QueuedFacts {
  return { id, primaryId, method, path };
}

function acceptedAnswer(id: string): CommandAnswer {
  const location = `/api/v1/commands/${id}`;
  return {
    status: 202,
    headers: { "content-type": "application/json", location, "preference-applied": "respond-async" },
    body: JSON.stringify({ id, state: "queued", location }),
  };
}
