import type { DecodeError } from "../errors.ts";
import type { CommandResponse, Health, Message, NotificationRequest } from "../message.ts";

/** Where an endpoint's connection stands. */
export type EndpointState =
  | { name: "awaiting-connect" }
  | { name: "verifying"; id: string }
  | { name: "established" }
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
  /** Something of a later version of the extension. */
  | { kind: "ignore"; what: string }
  | { kind: "close"; code: number; reason: string };

type Step = [next: EndpointState, effects: EndpointEffect[]];

/** An endpoint's connection before anything has come. */
export const initialEndpointState: EndpointState = { name: "awaiting-connect" };

/**
 * The endpoint's side of NBWSS 1.0 as a pure function (NBWSS, CONNECT, COMMAND, NOTIFICATION).
 * @param isExtended whether `sallyport.v1` was selected
 */
export function nextEndpointState(state: EndpointState, event: EndpointEvent, isExtended: boolean): Step {
  if (state.name === "closed") return [state, []];
  switch (event.kind) {
    case "gone":
      return [{ name: "closed" }, []];
    case "undecodable":
      if (event.error.code === "unknown_extension" && state.name === "established" && isExtended) {
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
      return onMessage(state, event.message, isExtended);
  }
}

function onVerdict(state: EndpointState, valid: boolean): Step {
  if (state.name !== "verifying") return [state, []];
  const answer: EndpointEffect = { kind: "answer-connect", id: state.id, valid };
  return valid
    ? [{ name: "established" }, [answer, { kind: "establish" }]]
    : [{ name: "refused" }, [answer, { kind: "arm-refusal-timeout" }]];
}

function onMessage(state: EndpointState, message: Message, isExtended: boolean): Step {
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
      return onEstablishedMessage(state, message, isExtended);
    case "refused":
    case "closed":
      return [state, []];
  }
}

function onEstablishedMessage(state: EndpointState, message: Message, isExtended: boolean): Step {
  if (message.type === "COMMAND" && message.subType === "RESPONSE") {
    return [state, [{ kind: "settle-command", id: message.id, payload: message.payload }]];
  }
  if (message.type === "NOTIFICATION" && message.subType === "REQUEST") {
    return [state, [{ kind: "deliver", notification: message }]];
  }
  if (isExtended && message.type === "SALLYPORT" && message.subType === "HEALTH") {
    return [state, [{ kind: "note-health", health: message.payload }]];
  }
  return close(1008, `${message.type} ${message.subType} is not for an endpoint`);
}

function close(code: number, reason: string): Step {
  return [{ name: "closed" }, [{ kind: "close", code, reason }]];
}
