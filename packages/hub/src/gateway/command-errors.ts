import { NbwssError, type NbwssErrorCode } from "@sallyport/nbwss";
import { HubError, type HubErrorOptions } from "../errors.ts";

/** The closed list of how a command ends; each ends in exactly one. */
export type CommandEnd =
  | "answered"
  | "accepted"
  | "not_connected"
  | "busy"
  | "too_large"
  | "not_text"
  | "timeout"
  | "lost"
  | "cancelled"
  | "bad_answer"
  | "login_failed"
  | "failed";

/**
 * What a caller is told when a command fails. After it was sent nobody knows whether it was carried out: a GET is then safe to
 * repeat, and what bears an Idempotency-Key, since the hub does not send that twice.
 */
export function toGatewayError(
  error: unknown,
  call: { method: string; idempotencyKey?: string | undefined },
): HubError {
  if (error instanceof HubError) return error;
  if (!(error instanceof NbwssError)) {
    return new HubError("internal", "the hub failed; its log says more", { cause: error });
  }
  const unsent = { cause: error, mayHaveBeenExecuted: false };
  const sent = {
    cause: error,
    mayHaveBeenExecuted: true,
    retrySafe: call.method === "GET" || call.idempotencyKey !== undefined,
  };
  const make = failures[error.code];
  return make === undefined
    ? new HubError("lost", error.message, sent)
    : make(error.message, { unsent, sent });
}

type Make = (message: string, options: { unsent: HubErrorOptions; sent: HubErrorOptions }) => HubError;

/** What is not here happened to the connection, after the command was sent. */
const failures: Partial<Record<NbwssErrorCode, Make>> = {
  not_established: (_, { unsent }) =>
    new HubError("not_connected", "the primary is not connected", { ...unsent, retryAfterS: 5 }),
  busy: (message, { unsent }) => new HubError("busy", message, { ...unsent, retryAfterS: 1 }),
  too_large: (message, { unsent }) =>
    new HubError("too_large", `the command is too large: ${message}`, unsent),
  timeout: (message, { sent }) => new HubError("timeout", message, sent),
  cancelled: (message, { sent }) => new HubError("cancelled", message, sent),
  not_a_response: (message, { sent }) => new HubError("bad_answer", message, sent),
};

/** The end state that an error stands for. */
export function endOf(error: HubError): CommandEnd {
  return error.row.relay ?? "failed";
}
