import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "../errors.ts";
import type { Message } from "../message.ts";
import { nextEndpointState, type EndpointEvent, type EndpointState } from "./rules.ts";

const id = "6513270E-269E-4D37-B2A7-4DE452E6B438";
const envelope = { version: "1.0", id, timeStamp: 1 } as const;
const connect: Message = { ...envelope, type: "CONNECT", subType: "REQUEST", payload: { token: "t" } };
const verdict: Message = { ...envelope, type: "CONNECT", subType: "RESPONSE", payload: { valid: true } };
const notification: Message = { ...envelope, type: "NOTIFICATION", subType: "REQUEST", payload: [] };
const answer: Message = { ...envelope, type: "COMMAND", subType: "RESPONSE", payload: { status: 200 } };
const command: Message = {
  ...envelope,
  type: "COMMAND",
  subType: "REQUEST",
  payload: { uri: "/netbackup/ping", method: "GET", headers: {} },
};

const health: Message = {
  ...envelope,
  type: "SALLYPORT",
  subType: "HEALTH",
  payload: { version: "1", outboxDepth: 0, outboxAgeMs: 0, loopLagMs: 0, executing: 0 },
};

const resume: Message = {
  ...envelope,
  type: "SALLYPORT",
  subType: "RESUME",
  payload: { journal: id, position: 0, outcome: "began" },
};
const gap: Message = {
  ...envelope,
  type: "SALLYPORT",
  subType: "GAP",
  payload: { from: 1, to: 2, count: 2, sinceMs: null, untilMs: null, reason: "outbox_full" },
};

const awaiting: EndpointState = { name: "awaiting-connect" };
const verifying: EndpointState = { name: "verifying", id };
const established: EndpointState = { name: "established", numbered: false };
const numbered: EndpointState = { name: "established", numbered: true };
const refused: EndpointState = { name: "refused" };
const closed: EndpointState = { name: "closed" };
const message = (what: Message): EndpointEvent => ({ kind: "message", message: what });
const later: EndpointEvent = { kind: "undecodable", error: new DecodeError("unknown_extension", "", "x") };
const undecodable: EndpointEvent = { kind: "undecodable", error: new DecodeError("not_json", "", "x") };

/** State, event, next state, effects; a close is written as its code. */
const rows: [EndpointState, EndpointEvent, EndpointState["name"], (string | number)[]][] = [
  [awaiting, message(connect), "verifying", ["verify"]],
  [awaiting, message(notification), "closed", [1008]],
  [awaiting, message(answer), "closed", [1008]],
  [awaiting, message(command), "closed", [1008]],
  [awaiting, message(verdict), "closed", [1008]],
  [awaiting, undecodable, "closed", [1007]],
  [awaiting, { kind: "connect-timeout" }, "closed", [1008]],
  [verifying, { kind: "connect-timeout" }, "verifying", []],
  [verifying, message(connect), "closed", [1008]],
  [verifying, message(notification), "closed", [1008]],
  [verifying, { kind: "verdict", valid: true }, "established", ["answer-connect", "establish"]],
  [verifying, { kind: "verdict", valid: false }, "refused", ["answer-connect", "arm-refusal-timeout"]],
  [established, message(connect), "closed", [1008]],
  [established, message(command), "closed", [1008]],
  [established, message(verdict), "closed", [1008]],
  [established, message(answer), "established", ["settle-command"]],
  [established, message(notification), "established", ["deliver"]],
  [established, undecodable, "closed", [1007]],
  [established, later, "closed", [1008]],
  [established, message(health), "closed", [1008]],
  [established, message(resume), "closed", [1008]],
  [established, message({ ...notification, position: 1 }), "established", ["deliver"]],
  [established, { kind: "gone" }, "closed", []],
  [established, { kind: "verdict", valid: false }, "established", []],
  [refused, message(notification), "refused", []],
  [refused, { kind: "refusal-timeout" }, "closed", [1008]],
  [closed, message(connect), "closed", []],
  [closed, { kind: "verdict", valid: true }, "closed", []],
  [closed, undecodable, "closed", []],
];

/** The same under `sallyport.v1`, where something differs. */
const extendedRows: typeof rows = [
  [awaiting, later, "closed", [1008]],
  [verifying, later, "closed", [1008]],
  [established, later, "established", ["ignore"]],
  [established, message(health), "established", ["note-health"]],
  [awaiting, message(resume), "closed", [1008]],
  [verifying, message(resume), "closed", [1008]],
  [established, message(resume), "established", ["resume"]],
  [numbered, message(resume), "closed", [1008]],
  [established, message(gap), "closed", [1008]],
  [numbered, message(gap), "established", ["deliver-gap"]],
  [established, message(notification), "established", ["deliver"]],
  [numbered, message({ ...notification, position: 1 }), "established", ["deliver"]],
  [numbered, message(notification), "closed", [1008]],
  [established, undecodable, "closed", [1007]],
  [refused, later, "closed", [1008]],
];

const allRows = [
  ...rows.map((row) => [...row, false] as const),
  ...extendedRows.map((row) => [...row, true] as const),
];
for (const [state, event, nextName, effects, isExtended] of allRows) {
  const what = event.kind === "message" ? `${event.message.type} ${event.message.subType}` : event.kind;
  const where = isExtended ? " under sallyport.v1" : "";
  test(`endpoint rules - ${state.name}, ${what}${where}: ${nextName}`, () => {
    const [next, found] = nextEndpointState(state, event, { extended: isExtended, resume: isExtended });
    assert.equal(next.name, nextName);
    assert.deepEqual(
      found.map((effect) => (effect.kind === "close" ? effect.code : effect.kind)),
      effects,
    );
  });
}

test("endpoint rules - an endpoint that says nothing of resuming is not to be sent RESUME", () => {
  const terms = { extended: true, resume: false };
  assert.equal(nextEndpointState(established, message(resume), terms)[0].name, "closed");
});

test("endpoint rules - a position means nothing before RESUME, and is not handed on", () => {
  const terms = { extended: true, resume: true };
  const [, [effect]] = nextEndpointState(established, message({ ...notification, position: 7 }), terms);
  assert.deepEqual(effect, { kind: "deliver", notification });
});
