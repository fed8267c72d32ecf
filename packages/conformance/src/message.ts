import { randomUUID } from "node:crypto";

/** A message as it came, not yet judged. */
export interface Incoming {
  text: string;
  value: Record<string, unknown>;
}

/** A message to send, good unless the check bends it. */
export interface Outgoing {
  version: string;
  id: string;
  type: string;
  subType: string;
  timeStamp: number;
  payload?: unknown;
}

/** A fresh id as the published examples have them: a UUID in upper case. */
export function newId(): string {
  return randomUUID().toUpperCase();
}

/** Makes a good message (NBWSS, envelope). @param name such as "CONNECT REQUEST" */
export function message(name: string, payload: unknown, id = newId()): Outgoing {
  const [type = "", subType = ""] = name.split(" ");
  return { version: "1.0", id, type, subType, timeStamp: Math.floor(Date.now() / 1000), payload };
}

/** Whether a message has this type and subtype, and, where it is given, this id without regard to case. */
export function is(name: string, id?: string): (incoming: Incoming) => boolean {
  return ({ value }) =>
    `${String(value["type"])} ${String(value["subType"])}` === name &&
    (id === undefined || String(value["id"]).toUpperCase() === id.toUpperCase());
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Later than this no epoch in seconds is for some thousand years; milliseconds are. */
const maxSeconds = 100_000_000_000;

/** What is wrong with the envelope of a message (NBWSS, envelope); empty when nothing is. */
export function problemsOfEnvelope(value: Record<string, unknown>): string[] {
  const problems: string[] = [];
  const wrong = (member: string, is: string) =>
    problems.push(`${member} is ${shown(JSON.stringify(value[member]) ?? "missing")}, not ${is}`);
  if (value["version"] !== "1.0") wrong("version", '"1.0"');
  if (!uuid.test(String(value["id"]))) wrong("id", "a UUID");
  const { timeStamp } = value as { timeStamp?: unknown };
  if (!Number.isInteger(timeStamp) || Number(timeStamp) < 0 || Number(timeStamp) > maxSeconds) {
    wrong("timeStamp", "a whole number of seconds since the epoch");
  }
  return problems;
}

/** The payload's members; none when it is no object. */
export function payloadOf({ value }: Incoming): Record<string, unknown> {
  const { payload } = value as { payload?: unknown };
  return typeof payload === "object" && payload !== null ? (payload as Record<string, unknown>) : {};
}

/** A message for people: short, and without tokens. */
export function shown(text: string): string {
  const hidden = text.replaceAll(/("token"\s*:\s*)"(?:[^"\\]|\\.)*"?/g, '$1"…"');
  return hidden.length > 300 ? `${hidden.slice(0, 300)}… (${text.length} characters)` : hidden;
}
