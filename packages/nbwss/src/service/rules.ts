import type { DecodeError } from "../errors.ts";
import type { CommandRequest, Hello, Message, Move } from "../message.ts";

/** Where the service's (the primary's) connection stands. */
export type ServiceState =
  | { name: "awaiting-verdict"; id: string; extended: boolean }
  | {
      name: "established";
      extended: boolean;
      /** Whether the endpoint has said HELLO. */
      greeted: boolean;
    }
  | { name: "closed" };

/** What happens to it. */
export type ServiceEvent =
  | { kind: "message"; message: Message }
  /** `isFrame`: a frame of the extension; after one that is broken nobody knows what is still to come on its stream. */
  | { kind: "undecodable"; error: DecodeError; isFrame?: boolean }
  | { kind: "gone" };

/** What has to be done about it, in order. */
export type ServiceEffect =
  | { kind: "establish" }
  | { kind: "report-refusal" }
  | { kind: "execute"; request: CommandRequest }
  | { kind: "settle-notification"; id: string }
  | { kind: "move"; move: Move }
  | { kind: "take-hello"; hello: Hello }
  /** Something of a later version of the extension. */
  | { kind: "ignore"; what: string }
  | { kind: "report-undecodable"; error: DecodeError }
  | { kind: "close"; code: number; reason: string };

type Step = [next: ServiceState, effects: ServiceEffect[]];

/**
 * The primary's side of NBWSS 1.0 as a pure function (NBWSS, CONNECT, COMMAND, NOTIFICATION).
 * @param ignoreUndecodable `exception.ignoreDecoder` of nbwss.properties: an established connection survives a
 *   message that can't be decoded
 */
export function nextServiceState(state: ServiceState, event: ServiceEvent, ignoreUndecodable: boolean): Step {
  if (state.name === "closed") return [state, []];
  switch (event.kind) {
    case "gone":
      return [{ name: "closed" }, []];
    case "undecodable":
      if (event.error.code === "unknown_extension" && state.name === "established" && state.extended) {
        return [state, [{ kind: "ignore", what: event.error.message }]];
      }
      if (ignoreUndecodable && state.name === "established" && event.isFrame !== true) {
        return [state, [{ kind: "report-undecodable", error: event.error }]];
      }
      return [
        { name: "closed" },
        [
          { kind: "report-undecodable", error: event.error },
          { kind: "close", code: event.error.closeCode ?? 1008, reason: event.error.message },
        ],
      ];
    case "message":
      return state.name === "established"
        ? onEstablishedMessage(state, event.message)
        : onVerdict(state, event.message);
  }
}

function onVerdict(
  { id, extended }: Extract<ServiceState, { name: "awaiting-verdict" }>,
  message: Message,
): Step {
  if (message.type !== "CONNECT" || message.subType !== "RESPONSE") {
    return close(1008, `${message.type} ${message.subType} came before CONNECT RESPONSE`);
  }
  if (message.id.toUpperCase() !== id.toUpperCase()) {
    return close(1008, "CONNECT RESPONSE has another id than the request");
  }
  if (message.payload.valid)
    return [{ name: "established", extended, greeted: false }, [{ kind: "establish" }]];
  return [
    { name: "closed" },
    [{ kind: "report-refusal" }, { kind: "close", code: 1000, reason: "token refused" }],
  ];
}

function onEstablishedMessage(state: Extract<ServiceState, { name: "established" }>, message: Message): Step {
  if (message.type === "COMMAND" && message.subType === "REQUEST") {
    return [state, [{ kind: "execute", request: message }]];
  }
  if (message.type === "NOTIFICATION" && message.subType === "RESPONSE") {
    return [state, [{ kind: "settle-notification", id: message.id }]];
  }
  if (message.type === "SALLYPORT" && state.extended) {
    if (message.subType === "MOVE") return [state, [{ kind: "move", move: message.payload }]];
    if (message.subType === "HELLO") {
      // Each is answered at once, with what has to be looked up: who says it again and again would have the primary do nothing else.
      if (state.greeted) return close(1008, "HELLO came twice");
      return [{ ...state, greeted: true }, [{ kind: "take-hello", hello: message.payload }]];
    }
  }
  return close(1008, `${message.type} ${message.subType} is not for a primary`);
}

function close(code: number, reason: string): Step {
  return [{ name: "closed" }, [{ kind: "close", code, reason }]];
}
