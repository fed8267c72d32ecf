import { group, type Check } from "../check.ts";
import { jobEntry, freshJobId } from "../items.ts";
import { message, type Outgoing } from "../message.ts";
import type { EndpointPeer } from "./peer.ts";

interface Form {
  id: string;
  rule: string;
  source: string;
  /** Writes a good message in an unusual, but right way. */
  write: (message: Outgoing) => string;
}

const envelope = "NBWSS, envelope";
const json = "RFC 8259 (JSON)";

const forms: Form[] = [
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
          : { ...(message.payload as object), priority: 1, headers: null },
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

/** The same messages, written in each way that JSON and NBWSS allow. */
export const envelopeChecks: Check<EndpointPeer>[] = group(
  "envelope",
  forms.map(({ write, ...form }) => ({
    ...form,
    level: "MUST" as const,
    async run(peer: EndpointPeer) {
      const request = peer.connectRequest();
      await using wire = await peer.openWith(write(request));
      await peer.accepted(wire, request.id);
      const notification = message("NOTIFICATION REQUEST", [
        jobEntry(freshJobId(), { policyName: "Vienna/täglich 備份 💾 \u0007" }),
      ]);
      wire.sendText(write(notification));
      await peer.acknowledged(wire, notification.id);
    },
  })),
);

function escaped(letter: string): string {
  return String.raw`\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
