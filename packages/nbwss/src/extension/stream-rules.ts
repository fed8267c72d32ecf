import { maxCreditBytes } from "./frame.ts";

/** The credit that each direction of a stream begins with, bytes; more comes with CREDIT. */
export const initialCreditBytes = 64 * 1024;

/** Where one stream stands, as one side sees it. */
export interface StreamState {
  /** The endpoint opens a stream with REQUEST, the service answers on it with RESPONSE. */
  role: "opener" | "answerer";
  /** What this side has still to send. */
  sending: "head" | "body" | "ended";
  /** What is still to come. */
  receiving: "head" | "body" | "ended";
  /** Bytes that this side may send. */
  credit: number;
  /** Bytes that the peer may still send. */
  granted: number;
  /** Bytes that came and were not consumed. */
  held: number;
  /** What `granted` and `held` may be together: doubled as long as the consumer keeps up. */
  window: number;
}

/** What happens on a stream. `end` is the flag END. */
export type StreamEvent =
  | { kind: "head-came" | "data-came" | "head-sent" | "data-sent"; bytes: number; end: boolean }
  | { kind: "credit-came" | "consumed"; bytes: number };

/** What has to be done about it, in order. */
export type StreamEffect =
  /** Send CREDIT. */
  | { kind: "grant"; bytes: number }
  /** The peer broke a rule: the connection ends. */
  | { kind: "violation"; reason: string }
  /** The answer is whole and the request is not: tell the peer that no more comes. */
  | { kind: "abandon-request" }
  /** Nothing more is to be sent or to come: forget the stream. */
  | { kind: "finish" };

type Step = [next: StreamState, effects: StreamEffect[]];

/** A stream before its REQUEST was sent or taken in. */
export function initialStream(role: StreamState["role"]): StreamState {
  return {
    role,
    sending: "head",
    receiving: "head",
    credit: initialCreditBytes,
    granted: initialCreditBytes,
    held: 0,
    window: initialCreditBytes,
  };
}

/**
 * Flow and order of one stream as a pure function (docs/protocol.md, streams).
 * @param maxWindow up to which a consumer that keeps up is given credit, bytes
 */
export function nextStream(state: StreamState, event: StreamEvent, maxWindow: number): Step {
  switch (event.kind) {
    case "head-came":
      if (state.receiving !== "head") return violation(state, "a second head on one stream");
      return onBody({ ...state, receiving: "body" }, event.bytes, event.end);
    case "data-came":
      if (state.receiving !== "body")
        return violation(state, `DATA ${state.receiving === "head" ? "before the head" : "after END"}`);
      return onBody(state, event.bytes, event.end);
    case "credit-came":
      if (state.sending === "ended") return [state, []];
      if (state.credit + event.bytes > maxCreditBytes) return violation(state, "too much credit");
      return [{ ...state, credit: state.credit + event.bytes }, []];
    case "consumed":
      return onConsumed({ ...state, held: state.held - event.bytes }, maxWindow);
    case "head-sent":
    case "data-sent":
      return onSent({ ...state, sending: event.end ? "ended" : "body", credit: state.credit - event.bytes });
  }
}

function onBody(state: StreamState, bytes: number, end: boolean): Step {
  if (bytes > state.granted) return violation(state, `${bytes} bytes of body for ${state.granted} of credit`);
  const next: StreamState = {
    ...state,
    receiving: end ? "ended" : "body",
    granted: state.granted - bytes,
    held: state.held + bytes,
  };
  if (!end || state.role === "answerer") return [next, []];
  // The answer counts, whatever the primary has read of the request.
  return [
    next,
    state.sending === "ended" ? [{ kind: "finish" }] : [{ kind: "abandon-request" }, { kind: "finish" }],
  ];
}

function onSent(state: StreamState): Step {
  const isOver = state.sending === "ended" && (state.role === "answerer" || state.receiving === "ended");
  return [state, isOver ? [{ kind: "finish" }] : []];
}

function onConsumed(state: StreamState, maxWindow: number): Step {
  if (state.receiving !== "body") return [state, []];
  const window = state.held === 0 ? Math.min(maxWindow, state.window * 2) : state.window;
  const bytes = window - state.granted - state.held;
  // In large steps: a CREDIT for each chunk would be half of all messages.
  if (bytes < window / 2) return [{ ...state, window }, []];
  return [{ ...state, window, granted: state.granted + bytes }, [{ kind: "grant", bytes }]];
}

function violation(state: StreamState, reason: string): Step {
  return [state, [{ kind: "violation", reason }]];
}
