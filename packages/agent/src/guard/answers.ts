import type { CommandAnswer } from "@sallyport/nbwss";
import { agentErrors, type AgentError } from "../errors.ts";
import type { Ticket } from "./ticket.ts";

const contentType = "application/vnd.netbackup+json;version=1.0";

/** Where the cloud looks how its ticket stands, through the connection. */
export function ticketPath(id: string): string {
  return `/netbackup/sallyport/tickets/${id}`;
}

/** A refusal in NetBackup's error shape; the rule's name is in its details. */
export function refusalAnswer(error: AgentError, rule?: string): CommandAnswer {
  const { httpStatus, errorCode } = agentErrors[error.code];
  const details = [`code: ${error.code}`, ...(rule === undefined ? [] : [`rule: ${rule}`])];
  return json(httpStatus, { errorCode, errorMessage: error.message, errorDetails: details });
}

/** The answer to a held command, and to who asks for its ticket: who approved it is not the cloud's affair. */
export function ticketAnswer(httpStatus: 200 | 202, ticket: Ticket): CommandAnswer {
  const { id, state, rule, reason, method, uri, comment, status } = ticket;
  const attributes = {
    state,
    rule,
    reason,
    method,
    path: uri,
    heldAt: new Date(ticket.heldAtMs).toISOString(),
    expiresAt: new Date(ticket.expiresAtMs).toISOString(),
    ...(comment === null ? {} : { comment }),
    ...(status === null ? {} : { status }),
  };
  const href = ticketPath(id).slice("/netbackup".length);
  const answer = json(httpStatus, {
    data: { type: "sallyportTicket", id, attributes, links: { self: { href } } },
  });
  return httpStatus === 202
    ? { ...answer, headers: { ...answer.headers, location: ticketPath(id) } }
    : answer;
}

function json(status: number, value: unknown): CommandAnswer {
  return { status, headers: { "content-type": contentType }, body: JSON.stringify(value) };
}
