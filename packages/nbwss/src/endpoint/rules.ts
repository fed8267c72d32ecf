import type { DecodeError } from "../errors.ts";
import type {
  CommandResponse,
  GapMessage,
  Health,
  Message,
  NotificationRequest,
  Resume,
} from "../message.ts";

/** Where an endpoint's connection stands. */
export type EndpointState =
  | { name: "awaiting-connect" }
  | { name: "verifying"; id: string }
  /** `numbered`: RESUME has come, and every notification has a position. */
  | { name: "established"; numbered: boolean }
  | { name: "refused" }
  | { name: "closed" };

/** What happens to it. */
export type EndpointEvent =
  | { kind: "message"; message: Message }
  | { kind: "undecodable"; error: DecodeError }
  | { kind: "verdict"; valid: boolean }
  | { kind: "connect-timeout" }
  | { kind: "refusal-timeout" }
  | { kind: "gone" };

/** What has to be done about it, in order. */
export type EndpointEffect =
  | { kind: "verify"; token: string }
  | { kind: "answer-connect"; id: string; valid: boolean }
  | { kind: "establish" }
  | { kind: "arm-refusal-timeout" }
  | { kind: "settle-command"; id: string; payload: CommandResponse["payload"] }
  | { kind: "deliver"; notification: NotificationRequest }
  | { kind: "note-health"; health: Health }
  | { kind: "resume"; resume: Resume }
  | { kind: "deliver-gap"; gap: GapMessage }
  /** Something of a later version of the extension. */
  | { kind: "ignore"; what: string }
  | { kind: "close"; code: number; reason: string };

/** What was agreed for a connection. */
export interface EndpointTerms {
  /** Whether `sallyport.v1` was selected. */
  extended: boolean;
  /** Whether HELLO says how far notifications are stored, so that the primary may number them. */
  resume: boolean;
}

type Step = [next: EndpointState, effects: EndpointEffect[]];

/** An endpoint's connection before anything has come. */
export const initialEndpointState: EndpointState = { name: "awaiting-connect" };

/**
 * The endpoint's side of NBWSS 1.0 as a pure function (NBWSS, CONNECT, COMMAND, NOTIFICATION).
 */
export function nextEndpointState(state: EndpointState, event: EndpointEvent, terms: EndpointTerms): Step {
  if (state.name === "closed") return [state, []];
  switch (event.kind) {
    case "gone":
      return [{ name: "closed" }, []];
    case "undecodable":
      if (event.error.code === "unknown_extension" && state.name === "established" && terms.extended) {
        return [state, [{ kind: "ignore", what: event.error.message }]];
      }
      return close(event.error.closeCode ?? 1008, event.error.message);
    case "connect-timeout":
      return state.name === "awaiting-connect" ? close(1008, "no CONNECT REQUEST in time") : [state, []];
    case "refusal-timeout":
      return state.name === "refused" ? close(1008, "token refused") : [state, []];
    case "verdict":
      return onVerdict(state, event.valid);
    case "message":
      return onMessage(state, event.message, terms);
  }
}

function onVerdict(state: EndpointState, valid: boolean): Step {
  if (state.name !== "verifying") return [state, []];
  const answer: EndpointEffect = { kind: "answer-connect", id: state.id, valid };
  return valid
    ? [{ name: "established", numbered: false }, [answer, { kind: "establish" }]]
    : [{ name: "refused" }, [answer, { kind: "arm-refusal-timeout" }]];
}

function onMessage(state: EndpointState, message: Message, terms: EndpointTerms): Step {
  const name = `${message.type} ${message.subType}`;
  switch (state.name) {
    case "awaiting-connect":
      if (message.type !== "CONNECT" || message.subType !== "REQUEST") {
        return close(1008, `${name} came before CONNECT REQUEST`);
      }
      return [{ name: "verifying", id: message.id }, [{ kind: "verify", token: message.payload.token }]];
    case "verifying":
      return close(1008, `${name} came before CONNECT RESPONSE`);
    case "established":
      return onEstablishedMessage(state, message, terms);
    case "refused":
    case "closed":
      return [state, []];
  }
}

function onEstablishedMessage(
  state: Extract<EndpointState, { name: "established" }>,
  message: Message,
  terms: EndpointTerms,
): Step {
  if (message.type === "COMMAND" && message.subType === "RESPONSE") {
    return [state, [{ kind: "settle-command", id: message.id, payload: message.payload }]];
  }
  if (message.type === "NOTIFICATION" && message.subType === "REQUEST") {
    if (!state.numbered) {
      // A member of that name means nothing in NBWSS 1.0.
      const { position: _, ...notification } = message;
      return [state, [{ kind: "deliver", notification }]];
    }
    if (message.position === undefined) return close(1008, "NOTIFICATION without a position after RESUME");
    return [state, [{ kind: "deliver", notification: message }]];
  }
  if (terms.extended && message.type === "SALLYPORT") {
    if (message.subType === "HEALTH") return [state, [{ kind: "note-health", health: message.payload }]];
    if (message.subType === "RESUME" && terms.resume && !state.numbered) {
      return [{ name: "established", numbered: true }, [{ kind: "resume", resume: message.payload }]];
    }
    if (message.subType === "GAP" && state.numbered) return [state, [{ kind: "deliver-gap", gap: message }]];
  }
  return close(1008, `${message.type} ${message.subType} is not for an endpoint at this point`);
}

function close(code: number, reason: string): Step {
  return [{ name: "closed" }, [{ kind: "close", code, reason }]];
}
