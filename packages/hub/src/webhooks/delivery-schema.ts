import type { Database } from "@sallyport/durable";

/**
 * `turn` is the order in which the events of one stream (source and subject) go out; only the first that waits, the head, is ever
 * due. `generation` counts how often somebody has asked for the delivery, so that an attempt that began before does not answer for it.
 */
export const deliveryMigrations = [
  `CREATE TABLE reached (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL) STRICT;
   CREATE TABLE receivers (
     webhook_id TEXT PRIMARY KEY,
     behind INTEGER,
     missed_to INTEGER NOT NULL DEFAULT 0,
     failures INTEGER NOT NULL DEFAULT 0,
     failing_ms INTEGER NOT NULL DEFAULT 0,
     last_success_ms INTEGER,
     last_failure_ms INTEGER,
     paused_until_ms INTEGER NOT NULL DEFAULT 0
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE deliveries (
     serial INTEGER PRIMARY KEY AUTOINCREMENT,
     webhook_id TEXT NOT NULL,
     position INTEGER NOT NULL,
     type TEXT NOT NULL,
     subject TEXT NOT NULL,
     stream TEXT NOT NULL,
     turn INTEGER NOT NULL,
     state TEXT NOT NULL,
     is_head INTEGER NOT NULL,
     is_replay INTEGER NOT NULL,
     generation INTEGER NOT NULL DEFAULT 0,
     attempts INTEGER NOT NULL DEFAULT 0,
     failures INTEGER NOT NULL DEFAULT 0,
     refusals INTEGER NOT NULL DEFAULT 0,
     first_attempt_ms INTEGER,
     last_attempt_ms INTEGER,
     next_attempt_ms INTEGER NOT NULL,
     response_code INTEGER,
     response_body TEXT,
     error TEXT
   ) STRICT;
   CREATE INDEX deliveries_by_state ON deliveries (webhook_id, state, serial);
   CREATE INDEX deliveries_due ON deliveries (webhook_id, next_attempt_ms, turn) WHERE state = 'pending' AND is_head = 1;
   CREATE INDEX deliveries_by_stream ON deliveries (webhook_id, stream, turn) WHERE state = 'pending';
   CREATE INDEX deliveries_pending ON deliveries (webhook_id, position) WHERE state = 'pending';
   CREATE INDEX deliveries_finished ON deliveries (webhook_id, state, last_attempt_ms) WHERE state <> 'pending';`,
];

/** Where a delivery stands. */
export type DeliveryState = "pending" | "delivered" | "failed";

/** A delivery as it is kept. */
export interface DeliveryRow {
  serial: number;
  webhook_id: string;
  position: number;
  type: string;
  subject: string;
  stream: string;
  turn: number;
  state: DeliveryState;
  is_head: number;
  is_replay: number;
  generation: number;
  attempts: number;
  failures: number;
  refusals: number;
  first_attempt_ms: number | null;
  last_attempt_ms: number | null;
  next_attempt_ms: number;
  response_code: number | null;
  response_body: string | null;
  error: string | null;
}

/** What is kept of a receiver. */
export interface ReceiverRow {
  webhook_id: string;
  behind: number | null;
  missed_to: number;
  failures: number;
  failing_ms: number;
  last_success_ms: number | null;
  last_failure_ms: number | null;
  paused_until_ms: number;
}

/** The statements of the deliveries. */
export function prepareDeliveries(database: Database) {
  return {
    reached: database.prepare("SELECT position FROM reached"),
    setReached: database.prepare("INSERT OR REPLACE INTO reached VALUES (1, ?)"),
    receivers: database.prepare("SELECT * FROM receivers"),
    setReceiver: database.prepare(
      `INSERT OR REPLACE INTO receivers (webhook_id, behind, missed_to, failures, failing_ms, last_success_ms,
       last_failure_ms, paused_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    removeReceiver: database.prepare("DELETE FROM receivers WHERE webhook_id = ?"),
    removeAll: database.prepare("DELETE FROM deliveries WHERE webhook_id = ?"),
    webhookIds: database.prepare(
      "SELECT webhook_id AS id FROM receivers UNION SELECT DISTINCT webhook_id FROM deliveries",
    ),
    lastTurn: database.prepare(
      "SELECT coalesce(max(turn), 0) AS turn FROM deliveries WHERE state = 'pending'",
    ),
    pending: database.prepare(
      "SELECT webhook_id AS id, count(*) AS count FROM deliveries WHERE state = 'pending' GROUP BY webhook_id",
    ),
    insert: database.prepare(
      `INSERT INTO deliveries (webhook_id, position, type, subject, stream, turn, state, is_head, is_replay, next_attempt_ms)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', NOT EXISTS (SELECT 1 FROM deliveries WHERE webhook_id = ?1 AND
       stream = ?5 AND state = 'pending'), ?7, ?8)`,
    ),
    get: database.prepare("SELECT * FROM deliveries WHERE serial = ?"),
    due: database.prepare(
      `SELECT * FROM deliveries WHERE webhook_id = ? AND state = 'pending' AND is_head = 1 AND next_attempt_ms <= ?
       ORDER BY next_attempt_ms, turn LIMIT ?`,
    ),
    nextDue: database.prepare(
      `SELECT min(next_attempt_ms) AS ms FROM deliveries WHERE webhook_id = ? AND state = 'pending' AND is_head = 1 AND
       next_attempt_ms > ?`,
    ),
    promote: database.prepare(
      `UPDATE deliveries SET is_head = 1, next_attempt_ms = min(next_attempt_ms, ?3) WHERE serial = (SELECT serial FROM deliveries
       WHERE webhook_id = ?1 AND stream = ?2 AND state = 'pending' ORDER BY turn LIMIT 1)`,
    ),
    finish: database.prepare(
      `UPDATE deliveries SET state = ?, is_head = 0, attempts = ?, first_attempt_ms = ?, last_attempt_ms = ?,
       response_code = ?, response_body = ?, error = ? WHERE serial = ?`,
    ),
    putOff: database.prepare(
      `UPDATE deliveries SET next_attempt_ms = ?, attempts = ?, failures = ?, refusals = ?, first_attempt_ms = ?,
       last_attempt_ms = ?, response_code = ?, response_body = ?, error = ? WHERE serial = ?`,
    ),
    askPending: database.prepare(
      `UPDATE deliveries SET generation = generation + 1, failures = 0, refusals = 0, first_attempt_ms = NULL,
       next_attempt_ms = ? WHERE serial = ?`,
    ),
    askFinished: database.prepare(
      `UPDATE deliveries SET state = 'pending', generation = generation + 1, turn = ?1, is_replay = 1, failures = 0, refusals = 0,
       first_attempt_ms = NULL, next_attempt_ms = ?2, is_head = NOT EXISTS (SELECT 1 FROM deliveries WHERE webhook_id = ?3
       AND stream = ?4 AND state = 'pending') WHERE serial = ?5`,
    ),
    dueNow: database.prepare(
      `UPDATE deliveries SET next_attempt_ms = ?1 WHERE webhook_id = ?2 AND state = 'pending' AND is_head = 1 AND
       next_attempt_ms > ?1`,
    ),
    beginAnew: database.prepare(
      `UPDATE deliveries SET failures = 0, refusals = 0, first_attempt_ms = NULL, next_attempt_ms = ? WHERE webhook_id = ? AND
       state = 'pending' AND is_head = 1`,
    ),
    prune: database.prepare(
      `DELETE FROM deliveries WHERE serial IN (SELECT serial FROM deliveries WHERE webhook_id = ?1 AND state = ?2 AND state <> 'pending'
       ORDER BY last_attempt_ms DESC LIMIT -1 OFFSET ?3)`,
    ),
    firstPending: database.prepare(
      `SELECT min(position) AS position FROM deliveries WHERE webhook_id = ? AND state = 'pending' AND is_replay = 0`,
    ),
    pendingPositions: database.prepare(
      `SELECT serial, position, type FROM deliveries WHERE webhook_id = ? AND state = 'pending' AND position >= ? ORDER BY position LIMIT ?`,
    ),
    isPendingAt: database.prepare(
      "SELECT 1 FROM deliveries WHERE webhook_id = ? AND state = 'pending' AND position = ? LIMIT 1",
    ),
    listByState: database.prepare(
      "SELECT * FROM deliveries WHERE webhook_id = ? AND state = ? AND serial < ? ORDER BY serial DESC LIMIT ?",
    ),
  };
}
