import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "../errors.ts";
import type { Message } from "../message.ts";
import { nextServiceState, type ServiceEvent, type ServiceState } from "./rules.ts";

const id = "6513270E-269E-4D37-B2A7-4DE452E6B438";
const envelope = { version: "1.0", id: id.toLowerCase(), timeStamp: 1 } as const;
const verdict = (valid: boolean, changed: object = {}): ServiceEvent => {
  const message: Message = { ...envelope, type: "CONNECT", subType: "RESPONSE", payload: { valid } };
  return { kind: "message", message: { ...message, ...changed } };
};
const acknowledgement: ServiceEvent = {
  kind: "message",
  message: { ...envelope, type: "NOTIFICATION", subType: "RESPONSE", payload: [] },
};
const command: ServiceEvent = {
  kind: "message",
  message: {
    ...envelope,
    type: "COMMAND",
    subType: "REQUEST",
    payload: { uri: "/netbackup/ping", method: "GET", headers: {} },
  },
};
const foreign: ServiceEvent = {
  kind: "message",
  message: { ...envelope, type: "COMMAND", subType: "RESPONSE", payload: {} },
};
const later: ServiceEvent = { kind: "undecodable", error: new DecodeError("unknown_extension", "", "x") };
const undecodable: ServiceEvent = { kind: "undecodable", error: new DecodeError("not_json", "", "x") };

const move: ServiceEvent = {
  kind: "message",
  message: {
    ...envelope,
    type: "SALLYPORT",
    subType: "MOVE",
    payload: { delayMs: 1, windowMs: 2, reason: "restart" },
  },
};

const awaiting: ServiceState = { name: "awaiting-verdict", id, extended: true };
const hello: ServiceEvent = {
  kind: "message",
  message: { ...envelope, type: "SALLYPORT", subType: "HELLO", payload: { healthIntervalMs: 100 } },
};
const established: ServiceState = { name: "established", extended: false, greeted: false };
const extended: ServiceState = { name: "established", extended: true, greeted: false };

const rows: [ServiceState, ServiceEvent, boolean, ServiceState["name"], (string | number)[]][] = [
  [awaiting, verdict(true), false, "established", ["establish"]],
  [awaiting, verdict(false), false, "closed", ["report-refusal", 1000]],
  [awaiting, verdict(true, { id: "00000000-0000-4000-8000-000000000000" }), false, "closed", [1008]],
  [awaiting, command, false, "closed", [1008]],
  [awaiting, undecodable, true, "closed", ["report-undecodable", 1007]],
  [established, command, false, "established", ["execute"]],
  [established, acknowledgement, false, "established", ["settle-notification"]],
  [established, foreign, false, "closed", [1008]],
  [established, verdict(true), false, "closed", [1008]],
  [established, undecodable, false, "closed", ["report-undecodable", 1007]],
  [established, undecodable, true, "established", ["report-undecodable"]],
  [awaiting, move, false, "closed", [1008]],
  [established, move, false, "closed", [1008]],
  [awaiting, later, false, "closed", ["report-undecodable", 1008]],
  [established, later, false, "closed", ["report-undecodable", 1008]],
  [extended, later, false, "established", ["ignore"]],
  [extended, { ...later, isFrame: true }, false, "established", ["ignore"]],
  [extended, undecodable, false, "closed", ["report-undecodable", 1007]],
  [extended, move, false, "established", ["move"]],
  [extended, hello, false, "established", ["take-hello"]],
  [{ ...extended, greeted: true }, hello, false, "closed", [1008]],
  [established, hello, false, "closed", [1008]],
  [established, { kind: "gone" }, false, "closed", []],
  [{ name: "closed" }, command, false, "closed", []],
];

for (const [state, event, ignore, nextName, effects] of rows) {
  const what = event.kind === "message" ? `${event.message.type} ${event.message.subType}` : event.kind;
  test(`service rules - ${state.name}, ${what}${ignore ? ", ignoring undecodable" : ""}: ${nextName}`, () => {
    const [next, found] = nextServiceState(state, event, ignore);
    assert.equal(next.name, nextName);
    assert.deepEqual(
      found.map((effect) => (effect.kind === "close" ? effect.code : effect.kind)),
      effects,
    );
  });
}
