import { openDatabase, type Database } from "@sallyport/durable";
import type { Command } from "@sallyport/nbwss";
import type { Rollout } from "../api/rollouts-schemas.ts";
import { rolloutTargetStates } from "./rollout-states.ts";
import { fromCursor, toPage } from "../api/paging.ts";
import type { Caller } from "../access/roles.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { Sealing } from "../secrets/sealing.ts";
import type { RolloutRules, RolloutState, TargetCounts, TargetState } from "./decide.ts";
import {
  commandIdOf,
  rolloutMigrations,
  toRollout,
  type RolloutRow,
  type TargetRow,
} from "./rollout-rows.ts";

/** What the store is made of. */
export interface RolloutStoreOptions {
  path: string;
  sealing: Sealing;
  limits: Pick<HubLimits, "maxRollouts" | "keptRollouts">;
  /** Epoch ms. */
  now: () => number;
}

/** A rollout that is to be kept. */
export interface RolloutToKeep {
  id: string;
  name: string;
  caller: Pick<Caller, "kind" | "id" | "name">;
  command: Command;
  rules: RolloutRules;
  timeoutMs: number;
  /** Ids of primaries, in the order in which they start. */
  primaries: readonly string[];
}

/** How a target ended. */
export interface TargetEnd {
  commandId: string;
  state: Exclude<TargetState, "waiting" | "started" | "skipped">;
  error: string | null;
  status: number | null;
}

/** Which rollouts a caller may not see: those that have one of these primaries. */
export type Hidden = readonly string[];

/** Rollouts and their targets. What the command says is sealed: it may hold passwords and tokens. */
export class RolloutStore implements Disposable {
  readonly #options: RolloutStoreOptions;
  readonly #database: Database;

  constructor(options: RolloutStoreOptions) {
    this.#options = options;
    this.#database = openDatabase({ path: options.path, migrations: rolloutMigrations });
    this.#database.connection.exec("PRAGMA secure_delete=ON");
  }

  /**
   * Keeps a rollout; it runs from then on, and is on disk when this returns.
   * @throws HubError `limit_reached` when too many have not ended
   */
  create(rollout: RolloutToKeep): RolloutRow {
    const { sealing, limits, now } = this.#options;
    const { id, name, caller, command, rules, timeoutMs, primaries } = rollout;
    this.#database.transaction(() => {
      const open = this.open().length;
      if (open >= limits.maxRollouts) {
        const message = `${open} rollouts have not ended; wait for one, or abort one`;
        throw new HubError("limit_reached", message, { retryAfterS: 60 });
      }
      const { lastInsertRowid: serial } = this.#database
        .prepare(
          `INSERT INTO rollouts (id, name, caller_kind, caller_id, created_by, method, path, sealed_command, rules, timeout_ms,
           targets, state, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?)`,
        )
        .run(
          id,
          name,
          caller.kind,
          caller.id,
          caller.name,
          command.method,
          command.uri.split("?", 1)[0] ?? "",
          sealing.seal(JSON.stringify(command), purposeOf(id)),
          JSON.stringify(rules),
          timeoutMs,
          primaries.length,
          now(),
        );
      const insert = this.#database.prepare(
        "INSERT INTO rollout_targets (rollout, position, primary_id, command_id, state) VALUES (?, ?, ?, ?, 'waiting')",
      );
      for (const [position, primaryId] of primaries.entries()) {
        insert.run(serial, position, primaryId, commandIdOf(id, primaryId));
      }
    });
    return this.require(id, []);
  }

  /** @throws HubError `no_such_rollout`, also for one that the caller may not see */
  require(id: string, hidden: Hidden): RolloutRow {
    const row = this.#database
      .prepare(`SELECT * FROM rollouts WHERE id = ? AND ${notHidden}`)
      .get(id, JSON.stringify(hidden));
    if (row === undefined) throw new HubError("no_such_rollout", "there is no rollout of this id");
    return row as unknown as RolloutRow;
  }

  /** The command that a rollout sends. @throws HubError `unsealable` */
  commandOf({ id, sealed_command: sealed }: RolloutRow): Command {
    return JSON.parse(this.#options.sealing.open(sealed ?? "", purposeOf(id))) as Command;
  }

  /** A page, newest first. */
  list(query: {
    limit: number;
    cursor?: string | undefined;
    state?: RolloutState | undefined;
    hidden: Hidden;
  }) {
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : numberOf(query.cursor);
    const rows = this.#database
      .prepare(
        `SELECT * FROM rollouts WHERE serial < ? AND ifnull(state = ?, TRUE) AND ${notHidden} ORDER BY serial DESC LIMIT ?`,
      )
      .all(before, query.state ?? null, JSON.stringify(query.hidden), query.limit + 1);
    const page = toPage(rows as unknown as RolloutRow[], query.limit, ({ serial }) => [serial]);
    const nowMs = this.#options.now();
    return { data: page.data.map((row): Rollout => toRollout(row, nowMs)), next: page.next };
  }

  /** A page of a rollout's targets, in the order in which they start. */
  targets(
    { serial }: RolloutRow,
    query: { limit: number; cursor?: string | undefined; state?: TargetState | undefined },
  ): { data: TargetRow[]; next: string | null } {
    const after = query.cursor === undefined ? -1 : numberOf(query.cursor);
    const rows = this.#database
      .prepare(
        "SELECT * FROM rollout_targets WHERE rollout = ? AND position > ? AND ifnull(state = ?, TRUE) ORDER BY position LIMIT ?",
      )
      .all(serial, after, query.state ?? null, query.limit + 1);
    return toPage(rows as unknown as TargetRow[], query.limit, ({ position }) => [position]);
  }

  /** A rollout's targets by state. */
  counts({ serial }: Pick<RolloutRow, "serial">): TargetCounts {
    const rows = this.#database
      .prepare("SELECT state, count(*) AS count FROM rollout_targets WHERE rollout = ? GROUP BY state")
      .all(serial) as { state: TargetState; count: number }[];
    const counts = Object.fromEntries(rolloutTargetStates.map((state) => [state, 0]));
    for (const { state, count } of rows) counts[state] = count;
    return counts as TargetCounts;
  }

  /** Those that have not ended, the oldest first. */
  open(): RolloutRow[] {
    const sql = "SELECT * FROM rollouts WHERE state IN ('running', 'paused') ORDER BY serial";
    return this.#database.prepare(sql).all() as unknown as RolloutRow[];
  }

  /** Those whose commands have to be taken back. */
  takingBack(): RolloutRow[] {
    const sql = "SELECT * FROM rollouts WHERE state = 'aborted' AND takes_back = 1 ORDER BY serial";
    return this.#database.prepare(sql).all() as unknown as RolloutRow[];
  }

  /** Notes that they were. */
  markTakenBack({ serial }: RolloutRow): void {
    this.#database.prepare("UPDATE rollouts SET takes_back = 0 WHERE serial = ?").run(serial);
  }

  /** How many rollouts are in each state. */
  countByState(): Map<RolloutState, number> {
    const rows = this.#database
      .prepare("SELECT state, count(*) AS count FROM rollouts GROUP BY state")
      .all() as { state: RolloutState; count: number }[];
    return new Map(rows.map(({ state, count }) => [state, count]));
  }

  /** The next targets to start, at most `limit`. */
  waiting({ serial }: RolloutRow, limit: number): TargetRow[] {
    return this.#some("rollout = ? AND state = 'waiting' ORDER BY position LIMIT ?", serial, limit);
  }

  /** A rollout's targets that are started and have not ended. */
  started({ serial }: RolloutRow): TargetRow[] {
    return this.#some("rollout = ? AND state = 'started' ORDER BY position", serial);
  }

  /** All targets of all rollouts that are started and have not ended. */
  allStarted(): TargetRow[] {
    return this.#some(
      "state = 'started' AND rollout IN (SELECT serial FROM rollouts) ORDER BY rollout, position",
    );
  }

  /** Notes that the commands of these targets are stored, and when the rate allows the next. */
  markStarted({ serial }: RolloutRow, targets: readonly TargetRow[], nextStartAtMs?: number): void {
    const { now } = this.#options;
    const update = this.#database.prepare(
      "UPDATE rollout_targets SET state = 'started', started_at_ms = ? WHERE command_id = ?",
    );
    this.#database.transaction(() => {
      for (const { command_id: commandId } of targets) update.run(now(), commandId);
      if (nextStartAtMs === undefined) return;
      this.#database
        .prepare("UPDATE rollouts SET next_start_at_ms = ? WHERE serial = ?")
        .run(nextStartAtMs, serial);
    });
  }

  /** Has a target start after all others that wait. */
  putBack({ rollout, position }: TargetRow): void {
    this.#database
      .prepare(
        `UPDATE rollout_targets SET position = (SELECT max(position) + 1 FROM rollout_targets WHERE rollout = $rollout)
         WHERE rollout = $rollout AND position = $position`,
      )
      .run({ rollout, position });
  }

  /** Keeps how targets ended, all or none; what has an end already keeps it. @returns how many had none */
  endTargets(ends: readonly TargetEnd[]): TargetEnd[] {
    const update = this.#database.prepare(
      "UPDATE rollout_targets SET state = ?, error = ?, status = ?, ended_at_ms = ? WHERE command_id = ? AND state = 'started'",
    );
    return this.#database.transaction(() =>
      ends.filter(({ commandId, state, error, status }) => {
        const { changes } = update.run(state, error, status, this.#options.now(), commandId);
        return Number(changes) > 0;
      }),
    );
  }

  /** Pauses a rollout, or lets it run again. */
  setState({ serial }: RolloutRow, state: "running" | "paused", reason: string | null): void {
    this.#database
      .prepare("UPDATE rollouts SET state = ?, reason = ? WHERE serial = ?")
      .run(state, reason, serial);
  }

  /** Ends a rollout: targets that wait are skipped, what it sends is forgotten. That it ended is `listUnannounced` from then on. */
  end({ serial }: RolloutRow, state: "finished" | "aborted", reason: string | null): void {
    const nowMs = this.#options.now();
    this.#database.transaction(() => {
      this.#database
        .prepare(
          `UPDATE rollouts SET state = ?, reason = ?, ended_at_ms = ?, sealed_command = NULL, takes_back = ? WHERE serial = ?`,
        )
        .run(state, reason, nowMs, Number(state === "aborted"), serial);
      this.#database
        .prepare(
          "UPDATE rollout_targets SET state = 'skipped', ended_at_ms = ? WHERE rollout = ? AND state = 'waiting'",
        )
        .run(nowMs, serial);
    });
  }

  /** Those of which the log perhaps does not have that they were created, or ended. */
  listUnannounced(): RolloutRow[] {
    const sql =
      "SELECT * FROM rollouts WHERE announced < 1 OR (announced < 2 AND ended_at_ms IS NOT NULL) ORDER BY serial LIMIT 100";
    return this.#database.prepare(sql).all() as unknown as RolloutRow[];
  }

  /** Notes what the log has of it: 1 that it was created, 2 also its end. */
  markAnnounced({ serial }: RolloutRow, announced: 1 | 2): void {
    this.#database.prepare("UPDATE rollouts SET announced = ? WHERE serial = ?").run(announced, serial);
  }

  /** Forgets rollouts that ended beyond `keptRollouts`, the oldest first. One with a command under way, or whose end the log has not, is kept. */
  prune(): void {
    this.#database
      .prepare(
        `DELETE FROM rollouts WHERE announced = 2 AND takes_back = 0 AND serial IN (
           SELECT serial FROM rollouts WHERE ended_at_ms IS NOT NULL ORDER BY serial DESC LIMIT -1 OFFSET ?)
         AND NOT EXISTS (SELECT 1 FROM rollout_targets WHERE rollout = serial AND state = 'started')`,
      )
      .run(this.#options.limits.keptRollouts);
  }

  /** Closes the file; calling it again does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #some(condition: string, ...values: number[]): TargetRow[] {
    const sql = `SELECT * FROM rollout_targets WHERE ${condition}`;
    return this.#database.prepare(sql).all(...values) as unknown as TargetRow[];
  }
}

/** Of the primaries in a JSON list the rollout has none. */
const notHidden = `NOT EXISTS (SELECT 1 FROM rollout_targets t JOIN json_each(?) hidden ON t.primary_id = hidden.value
  WHERE t.rollout = rollouts.serial)`;

function numberOf(cursor: string): number {
  return Number(fromCursor(cursor, 1)[0]);
}

function purposeOf(id: string): string {
  return `rollout/${id}`;
}
