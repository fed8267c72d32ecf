import { randomBytes } from "node:crypto";
import type { Database } from "@sallyport/durable";
import { AgentError } from "../errors.ts";
import { requireUsable, type Ticket, type TicketState } from "./ticket.ts";

/** Bounds of held commands. */
export interface TicketBounds {
  /** Open tickets, held or approved, of all groups. */
  maxOpenTickets: number;
  /** Of one server group, so that one cloud can't take all places. */
  maxOpenTicketsPerGroup: number;
  /** Ended tickets that are kept to be looked at; the oldest go first. */
  maxEndedTickets: number;
}

/** What a new ticket is made of. */
export type NewTicket = Pick<
  Ticket,
  "groupId" | "requestHash" | "rule" | "reason" | "method" | "uri" | "contentType" | "body" | "bodyBytes"
>;

const migrations = [
  `CREATE TABLE guard_ticket (
     id TEXT PRIMARY KEY,
     state TEXT NOT NULL,
     groupId TEXT NOT NULL,
     requestHash TEXT NOT NULL,
     rule TEXT NOT NULL,
     reason TEXT NOT NULL,
     method TEXT NOT NULL,
     uri TEXT NOT NULL,
     contentType TEXT,
     body TEXT,
     bodyBytes INTEGER NOT NULL,
     heldAtMs INTEGER NOT NULL,
     expiresAtMs INTEGER NOT NULL,
     decidedAtMs INTEGER,
     decidedBy TEXT,
     comment TEXT,
     endedAtMs INTEGER,
     status INTEGER
   ) STRICT;
   CREATE INDEX guard_ticket_state ON guard_ticket (state, groupId)`,
];

/** The tickets of held commands. Each change is on disk before it is acted upon. */
export class TicketStore {
  readonly #database: Database;
  readonly #bounds: TicketBounds;

  /** What a killed predecessor was carrying out is LOST: nobody knows whether it was done, so it is not done again. */
  constructor(database: Database, bounds: TicketBounds, nowMs: number) {
    this.#database = database;
    this.#bounds = bounds;
    database.migrate("guard-tickets", migrations);
    database
      .prepare("UPDATE guard_ticket SET state = 'LOST', body = NULL, endedAtMs = ? WHERE state = 'RUNNING'")
      .run(nowMs);
  }

  /** @throws AgentError `ticket_unknown` */
  get(id: string, nowMs: number): Ticket {
    this.#expire(nowMs);
    const row = this.#database.prepare("SELECT * FROM guard_ticket WHERE id = ?").get(id);
    if (row === undefined) throw unknown(id);
    return { ...row } as unknown as Ticket;
  }

  /** The newest first, without bodies; those in `states` alone when any are named. */
  list(states: readonly TicketState[], limit: number, nowMs: number): Ticket[] {
    this.#expire(nowMs);
    const wanted = states.length === 0 ? "" : `WHERE state IN (${states.map(() => "?").join(", ")})`;
    const rows = this.#database
      .prepare(`SELECT * FROM guard_ticket ${wanted} ORDER BY heldAtMs DESC, id LIMIT ?`)
      .all(...states, limit);
    return rows.map((row) => ({ ...row, body: null }) as unknown as Ticket);
  }

  /** How many are held or approved. */
  openCount(nowMs: number): number {
    this.#expire(nowMs);
    return this.#count("");
  }

  /** The open ticket of the very same command from the same group, so that a repeat makes no second one. */
  findOpen(groupId: string, requestHash: string, nowMs: number): Ticket | undefined {
    this.#expire(nowMs);
    const row = this.#database
      .prepare(
        "SELECT * FROM guard_ticket WHERE state IN ('HELD', 'APPROVED') AND groupId = ? AND requestHash = ?",
      )
      .get(groupId, requestHash);
    return row === undefined ? undefined : ({ ...row } as unknown as Ticket);
  }

  /** @throws AgentError `held_too_many` at a bound */
  hold(ticket: NewTicket, nowMs: number, lifeMs: number): Ticket {
    this.#expire(nowMs);
    const { maxOpenTickets, maxOpenTicketsPerGroup } = this.#bounds;
    if (
      this.#count("") >= maxOpenTickets ||
      this.#count("AND groupId = ?", ticket.groupId) >= maxOpenTicketsPerGroup
    ) {
      throw new AgentError(
        "held_too_many",
        `${maxOpenTicketsPerGroup} commands of this server group, or ${maxOpenTickets} of all, wait for approval already; try again when some are decided`,
      );
    }
    // Hex, since an id that begins with a hyphen would be an option on a command line.
    const id = randomBytes(16).toString("hex");
    const { groupId, requestHash, rule, reason, method, uri, contentType, body, bodyBytes } = ticket;
    this.#database
      .prepare(
        `INSERT INTO guard_ticket (id, state, groupId, requestHash, rule, reason, method, uri, contentType, body, bodyBytes, heldAtMs, expiresAtMs)
         VALUES (?, 'HELD', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        groupId,
        requestHash,
        rule,
        reason,
        method,
        uri,
        contentType,
        body,
        bodyBytes,
        nowMs,
        nowMs + lifeMs,
      );
    return this.get(id, nowMs);
  }

  /** Removes a ticket that nobody was told of. */
  discard(id: string): void {
    this.#database.prepare("DELETE FROM guard_ticket WHERE id = ?").run(id);
  }

  /**
   * Approves or refuses a held command.
   * @throws AgentError `ticket_unknown` or `ticket_not_held`
   */
  decide(
    id: string,
    verdict: { state: "APPROVED" | "REFUSED"; by: string; comment: string | undefined; lifeMs: number },
    nowMs: number,
  ): Ticket {
    const { state, by, comment, lifeMs } = verdict;
    const held = this.get(id, nowMs);
    requireUsable(held, state === "APPROVED" ? "approve" : "refuse");
    const expiresAtMs = state === "APPROVED" ? nowMs + lifeMs : held.expiresAtMs;
    this.#database
      .prepare(
        "UPDATE guard_ticket SET state = ?, decidedBy = ?, comment = ?, decidedAtMs = ?, expiresAtMs = ? WHERE id = ? AND state = 'HELD'",
      )
      .run(state, by, comment ?? null, nowMs, expiresAtMs, id);
    const decided = this.get(id, nowMs);
    if (state === "REFUSED") this.#ended(id, nowMs);
    return decided;
  }

  /**
   * Takes an approval, once: before its command is sent, and on disk, so that it is never sent twice.
   * @throws AgentError `ticket_unknown`, `ticket_mismatch`, `ticket_refused` or `ticket_not_held`
   */
  claim(id: string, groupId: string, requestHash: string, nowMs: number): Ticket {
    const ticket = this.get(id, nowMs);
    // Another group's ticket is as unknown as none.
    if (ticket.groupId !== groupId) throw unknown(id);
    if (ticket.requestHash !== requestHash) {
      throw new AgentError(
        "ticket_mismatch",
        "the ticket is for another command: method, path, query, headers and body have to be the same, byte for byte",
      );
    }
    requireUsable(ticket, "run");
    this.#database
      .prepare("UPDATE guard_ticket SET state = 'RUNNING' WHERE id = ? AND state = 'APPROVED'")
      .run(id);
    return { ...ticket, state: "RUNNING" };
  }

  /** Gives an approval back whose command was surely not sent. */
  unclaim(id: string): void {
    this.#database
      .prepare("UPDATE guard_ticket SET state = 'APPROVED' WHERE id = ? AND state = 'RUNNING'")
      .run(id);
  }

  /** The command was answered with this status; undefined: nobody knows how it ended. */
  end(id: string, status: number | undefined, nowMs: number): void {
    this.#database
      .prepare("UPDATE guard_ticket SET state = ?, status = ? WHERE id = ? AND state = 'RUNNING'")
      .run(status === undefined ? "LOST" : "DONE", status ?? null, id);
    this.#ended(id, nowMs);
  }

  #ended(id: string, nowMs: number): void {
    this.#database.prepare("UPDATE guard_ticket SET body = NULL, endedAtMs = ? WHERE id = ?").run(nowMs, id);
    this.#database
      .prepare(
        `DELETE FROM guard_ticket WHERE id IN (
           SELECT id FROM guard_ticket WHERE endedAtMs IS NOT NULL ORDER BY endedAtMs DESC, id LIMIT -1 OFFSET ?)`,
      )
      .run(this.#bounds.maxEndedTickets);
  }

  #expire(nowMs: number): void {
    const due = this.#database
      .prepare("SELECT id FROM guard_ticket WHERE state IN ('HELD', 'APPROVED') AND expiresAtMs <= ?")
      .all(nowMs);
    for (const { id } of due) {
      this.#database.prepare("UPDATE guard_ticket SET state = 'EXPIRED' WHERE id = ?").run(String(id));
      this.#ended(String(id), nowMs);
    }
  }

  #count(more: string, ...values: string[]): number {
    const row = this.#database
      .prepare(`SELECT count(*) AS n FROM guard_ticket WHERE state IN ('HELD', 'APPROVED') ${more}`)
      .get(...values);
    return Number(row?.["n"]);
  }
}

function unknown(id: string): AgentError {
  return new AgentError("ticket_unknown", `there is no ticket ${id.slice(0, 40)}`);
}
