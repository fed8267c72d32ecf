import { createHash } from "node:crypto";
import type { Rollout } from "../api/rollouts-schemas.ts";
import type { RolloutRules, RolloutState, RolloutStanding, TargetState } from "./decide.ts";
import { windowAt } from "./windows.ts";

/** A row of the table of rollouts. */
export interface RolloutRow {
  serial: number;
  id: string;
  name: string;
  caller_kind: "api-key" | "user";
  caller_id: string;
  created_by: string;
  method: string;
  path: string;
  sealed_command: string | null;
  /** `RolloutRules` as JSON. */
  rules: string;
  timeout_ms: number;
  targets: number;
  state: RolloutState;
  reason: string | null;
  next_start_at_ms: number | null;
  created_at_ms: number;
  ended_at_ms: number | null;
  announced: number;
  takes_back: number;
}

/** A row of the table of targets. */
export interface TargetRow {
  rollout: number;
  position: number;
  primary_id: string;
  command_id: string;
  state: TargetState;
  error: string | null;
  status: number | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
}

/** What makes the tables, step by step; only ever add to it. */
export const rolloutMigrations = [
  // `announced`: 0 nothing, 1 that it was created, 2 also its end. `takes_back`: it was aborted, and commands may still have to be taken back.
  `CREATE TABLE rollouts (
  serial INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  caller_kind TEXT NOT NULL,
  caller_id TEXT NOT NULL,
  created_by TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  sealed_command TEXT,
  rules TEXT NOT NULL,
  timeout_ms INTEGER NOT NULL,
  targets INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  next_start_at_ms REAL,
  created_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  announced INTEGER NOT NULL DEFAULT 0,
  takes_back INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX rollouts_by_state ON rollouts (state, serial);
CREATE TABLE rollout_targets (
  rollout INTEGER NOT NULL REFERENCES rollouts (serial) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  primary_id TEXT NOT NULL,
  command_id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  error TEXT,
  status INTEGER,
  started_at_ms INTEGER,
  ended_at_ms INTEGER,
  PRIMARY KEY (rollout, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollout_targets_by_state ON rollout_targets (rollout, state, position);
CREATE INDEX rollout_targets_by_primary ON rollout_targets (primary_id, rollout);`,
] as const;

/** What the ids of all commands of rollouts begin with. */
export const commandIdPrefix = "rollout-";

/** The id of the one command that a rollout sends to a primary: always the same, so that it can't be stored twice. */
export function commandIdOf(rolloutId: string, primaryId: string): string {
  const hash = createHash("sha256").update(`${rolloutId}\n${primaryId}`).digest("hex");
  return `${commandIdPrefix}${hash.slice(0, 40)}`;
}

/** What decides about a rollout. */
export function toStanding(row: RolloutRow): RolloutStanding {
  return {
    state: row.state,
    rules: JSON.parse(row.rules) as RolloutRules,
    nextStartAtMs: row.next_start_at_ms,
  };
}

/** A rollout as the API tells it, but for its counts. */
export function toRollout(row: RolloutRow, nowMs: number): Rollout {
  const { ratePerMinute, maxRunning, windows, abortWhen } = JSON.parse(row.rules) as RolloutRules;
  const window = windowAt(windows, nowMs);
  const waits = row.state === "running" && !window.isOpen;
  return {
    id: row.id,
    name: row.name,
    state: waits ? "waiting_for_window" : row.state,
    reason: waits ? `the next window opens at ${iso(window.opensAtMs)}` : row.reason,
    method: row.method,
    path: row.path,
    targets: row.targets,
    ratePerMinute,
    maxRunning,
    windows: [...windows],
    abortWhen,
    timeoutMs: row.timeout_ms,
    createdAt: iso(row.created_at_ms),
    createdBy: row.created_by,
    endedAt: row.ended_at_ms === null ? null : iso(row.ended_at_ms),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
