import { expect, group, type Check } from "../check.ts";
import { freshJobId, imageEntry, jobEntry } from "../items.ts";
import { is, message, problemsOfEnvelope, shown, type Outgoing } from "../message.ts";
import type { EndpointPeer } from "./peer.ts";

const nbwss = "NBWSS, NOTIFICATION";
const ours = "ours, docs/protocol.md";
/** More than a primary has on its way at once, and less than any endpoint should mind. */
const atOnce = 64;

interface Kind {
  id: string;
  rule: string;
  source?: string;
  level?: "SHOULD";
  payload: () => unknown;
}

const kinds: Kind[] = [
  { id: "job", rule: "a JOB is acknowledged", payload: () => [jobEntry(freshJobId())] },
  {
    id: "image",
    rule: "an IMAGE is acknowledged, whatever happened to it",
    payload: () =>
      ["CREATE", "UPDATE", "DELETE", "NO_LOCAL_COPY_AVAILABLE"].map((operation) =>
        imageEntry(freshJobId(), operation),
      ),
  },
  {
    id: "replication",
    rule: "a deletion with Auto Image Replication is acknowledged: UPDATE and another item together",
    payload: () => [
      { ...imageEntry(0), data: [imageEntry(7, "UPDATE").data[0], imageEntry(7, "DELETE").data[0]] },
    ],
  },
  {
    id: "many-entries",
    rule: "a notification of many entries is acknowledged",
    payload: () =>
      Array.from({ length: 100 }, (_, n) =>
        n % 2 === 0 ? jobEntry(freshJobId()) : imageEntry(freshJobId()),
      ),
  },
  {
    id: "many-items",
    rule: "an entry of many items is acknowledged",
    payload: () => [
      {
        ...jobEntry(0),
        data: Array.from({ length: 500 }, () => jobEntry(freshJobId(), { state: "QUEUED" }).data[0]),
      },
    ],
  },
  {
    id: "empty-policy",
    rule: 'an empty policyName is acknowledged, it "may be empty"',
    payload: () => [jobEntry(freshJobId(), { policyName: "" })],
  },
  {
    id: "empty",
    rule: "an empty payload is acknowledged, not held against the primary",
    source: ours,
    level: "SHOULD",
    payload: () => [],
  },
  {
    id: "no-items",
    rule: "an entry without items is acknowledged",
    source: ours,
    level: "SHOULD",
    payload: () => [{ ...jobEntry(0), data: [] }],
  },
  {
    id: "unknown-kind",
    rule: "kinds of notification that this version does not name are acknowledged",
    source: ours,
    level: "SHOULD",
    payload: () => [
      { notificationType: "WARNING", object: "POLICY", data: [{ policyName: "conformance", changed: true }] },
    ],
  },
];

/** NOTIFICATION: everything is acknowledged, under its own id, once for each time it is sent. */
export const notificationChecks: Check<EndpointPeer>[] = group("notifications", [
  ...kinds.map(({ id, rule, source = nbwss, level = "MUST" as const, payload }) => ({
    id,
    rule,
    source,
    level,
    async run(peer: EndpointPeer) {
      await using wire = await peer.connect();
      await peer.notify(wire, payload());
    },
  })),
  {
    id: "response",
    rule: "the NOTIFICATION RESPONSE has version, the request's id, and seconds as timeStamp",
    source: "NBWSS, envelope",
    level: "MUST",
    async run(peer) {
      await using wire = await peer.connect();
      const answer = await peer.notify(wire, [jobEntry(freshJobId())]);
      const problems = problemsOfEnvelope(answer.value);
      expect(
        problems.length === 0,
        "a right envelope",
        () => `${problems.join("; ")} in ${shown(answer.text)}`,
      );
    },
  },
  {
    id: "response-payload",
    rule: "the payload of the NOTIFICATION RESPONSE is an empty array",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.connect();
      const { text, value } = await peer.notify(wire, [jobEntry(freshJobId())]);
      expect(JSON.stringify(value["payload"]) === "[]", 'the payload "[]"', () => shown(text));
    },
  },
  {
    id: "resent",
    rule: "a notification that is sent again under the same id is acknowledged again",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const request = message("NOTIFICATION REQUEST", [jobEntry(freshJobId())]);
      await using wire = await peer.connect();
      for (const id of [request.id, request.id, request.id.toLowerCase()]) {
        wire.send({ ...request, id });
        await peer.acknowledged(wire, id);
      }
    },
  },
  {
    id: "resent-new-id",
    rule: "a notification that is sent again under a new id is acknowledged under that id",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const entries = [jobEntry(freshJobId()), imageEntry(freshJobId())];
      await using wire = await peer.connect();
      await peer.notify(wire, entries);
      await peer.notify(wire, entries);
    },
  },
  {
    id: "resent-after-cut",
    rule: "a notification whose acknowledgement was lost with the connection is acknowledged on the next",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const request = message("NOTIFICATION REQUEST", [jobEntry(freshJobId())]);
      await using first = await peer.connect();
      first.send(request);
      await first.fence(peer.timing.answerMs);
      first.cut();
      await using second = await peer.connect();
      second.send(request);
      await peer.acknowledged(second, request.id);
    },
  },
  {
    id: "at-once",
    rule: `${atOnce} notifications sent without waiting are each acknowledged, once, under their own id`,
    source: nbwss,
    level: "MUST",
    run: sendAtOnce,
  },
]);

async function sendAtOnce(peer: EndpointPeer): Promise<void> {
  await using wire = await peer.connect();
  const requests: Outgoing[] = Array.from({ length: atOnce }, () =>
    message("NOTIFICATION REQUEST", [jobEntry(freshJobId())]),
  );
  for (const request of requests) wire.send(request);
  for (const { id } of requests) await peer.acknowledged(wire, id);
  const another = is("NOTIFICATION RESPONSE");
  await wire.never(another, "one acknowledgement for each notification", peer.timing.quietMs);
}
