import type { StoredCommand } from "../api/commands-schemas.ts";
import type { commandStates } from "./command-states.ts";

/** Where a stored command stands. */
export type StoredCommandState = (typeof commandStates)[number];

/** A row of the table of commands. */
export interface CommandRow {
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
  answer_status: number | null;
  announced: number;
  caller_kind: "api-key" | "user";
  caller_from: string;
}

/** What makes the table, step by step; only ever add to it. */
export const commandMigrations = [
  `CREATE TABLE commands (
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
CREATE INDEX commands_by_end ON commands (finished_at_ms);`,
  // Whether its end is in the log; of those that ended under the former schema it is, but for what a kill has lost.
  `ALTER TABLE commands ADD COLUMN answer_status INTEGER;
ALTER TABLE commands ADD COLUMN announced INTEGER NOT NULL DEFAULT 0;
UPDATE commands SET announced = 1 WHERE finished_at_ms IS NOT NULL;
CREATE INDEX commands_to_announce ON commands (serial) WHERE announced = 0 AND finished_at_ms IS NOT NULL;
CREATE INDEX commands_by_state ON commands (state, serial);
ALTER TABLE commands ADD COLUMN idempotency_hash TEXT;
CREATE INDEX commands_by_idempotency ON commands (idempotency_hash) WHERE idempotency_hash IS NOT NULL;`,
  // For the audit, which has the end of each command as well.
  `ALTER TABLE commands ADD COLUMN caller_kind TEXT NOT NULL DEFAULT 'api-key';
ALTER TABLE commands ADD COLUMN caller_from TEXT NOT NULL DEFAULT 'hub';`,
] as const;

/** A stored command as the API tells it, but for its answer. */
export function toSummary(row: CommandRow): StoredCommand {
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
