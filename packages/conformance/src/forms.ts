import type { Outgoing } from "./message.ts";

/** An unusual, but right way to write a message. */
export interface Form {
  /** Its name. */
  id: string;
  rule: string;
  source: string;
  /** Writes a good message in an unusual, but right way. */
  write: (message: Outgoing) => string;
}

const envelope = "NBWSS, envelope";
const json = "RFC 8259 (JSON)";

/** The ways that JSON and NBWSS allow, beside the usual one. */
export const forms: readonly Form[] = [
  {
    id: "pretty-printed",
    rule: "pretty-printed JSON is read",
    source: "NBWSS, transport",
    write: (message) => JSON.stringify(message, null, 4),
  },
  {
    id: "white-space",
    rule: "white space around and within the JSON is read",
    source: json,
    write: (message) => `\r\n\t ${JSON.stringify(message, null, "\t").replaceAll("\n", "\r\n")} \n\n`,
  },
  {
    id: "key-order",
    rule: "members may come in any order",
    source: "NBWSS, transport",
    write: (message) => JSON.stringify(Object.fromEntries(Object.entries(message).toReversed())),
  },
  {
    id: "unknown-members",
    rule: "unknown members are ignored, wherever they stand",
    source: "NBWSS, transport",
    write: (message) =>
      JSON.stringify({
        before: [1, { a: null }],
        ...message,
        payload: Array.isArray(message.payload)
          ? message.payload.map((entry: object) => ({ ...entry, origin: "x", extra: { deep: [[1]] } }))
          : { origin: "x", ...(message.payload as object), extra: { deep: [[1]] } },
        after: 1.5e300,
      }),
  },
  {
    id: "escapes",
    rule: "names and values may be written with escapes",
    source: json,
    write: (message) => JSON.stringify(message).replaceAll(/[A-Za-z]/g, (letter) => escaped(letter)),
  },
  {
    id: "old-time",
    rule: "a timeStamp that is off is no reason to refuse",
    source: envelope,
    write: (message) => JSON.stringify({ ...message, timeStamp: 0 }),
  },
  {
    id: "lower-case-ids",
    rule: "ids in lower case are answered with the same id, compared without case",
    source: envelope,
    write: (message) => JSON.stringify({ ...message, id: message.id.toLowerCase() }),
  },
];

function escaped(letter: string): string {
  return String.raw`\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
