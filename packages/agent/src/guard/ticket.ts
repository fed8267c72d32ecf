import { AgentError } from "../errors.ts";

/** How far a held command has come. */
export type TicketState = "HELD" | "APPROVED" | "REFUSED" | "EXPIRED" | "RUNNING" | "DONE" | "LOST";

/** States in which something may still become of it. */
export const openStates: readonly TicketState[] = ["HELD", "APPROVED"];

/** A command that was held for approval. */
export interface Ticket {
  /** Not to be guessed. */
  id: string;
  state: TicketState;
  groupId: string;
  /** What the approval is bound to, see `requestHash`. */
  requestHash: string;
  /** The rule or budget that held it. */
  rule: string;
  reason: string;
  method: string;
  /** Path and query, secrets starred. */
  uri: string;
  /** Content-Type of the body; null without one. */
  contentType: string | null;
  /** The body, secrets starred; null when there was none, and when the ticket has ended. */
  body: string | null;
  bodyBytes: number;
  heldAtMs: number;
  /** Until then it can be approved, or, once approved, sent again. */
  expiresAtMs: number;
  decidedAtMs: number | null;
  /** Who approved or refused it. */
  decidedBy: string | null;
  /** What they told the caller. */
  comment: string | null;
  endedAtMs: number | null;
  /** HTTP status of the answer, once it was carried out. */
  status: number | null;
}

/** What is wanted of a ticket. */
export type TicketUse = "approve" | "refuse" | "run";

/**
 * Whether a ticket may be used so in its state.
 * @throws AgentError that says why not
 */
export function requireUsable({ id, state, comment }: Ticket, use: TicketUse): void {
  if (use === "run" ? state === "APPROVED" : state === "HELD") return;
  const said = comment === null ? "" : `: ${comment}`;
  if (use === "run" && state === "REFUSED") {
    throw new AgentError("ticket_refused", `the command was refused on premises${said}`);
  }
  throw new AgentError("ticket_not_held", `${notUsable[state]} (ticket ${id})`);
}

const notUsable: Readonly<Record<TicketState, string>> = {
  HELD: "it waits for approval on premises",
  APPROVED: "it was approved already",
  REFUSED: "it was refused already",
  EXPIRED: "it has expired; send the command anew for a new ticket",
  RUNNING: "it is being carried out",
  DONE: "it was carried out already; a ticket works once",
  LOST: "it was sent to the server and its answer is lost: look there whether it was carried out, then send the command anew",
};
