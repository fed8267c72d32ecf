import { expect, group, type Check } from "../check.ts";
import { jobEntry, freshJobId } from "../items.ts";
import { is, message, payloadOf, problemsOfEnvelope, shown } from "../message.ts";
import type { EndpointPeer } from "./peer.ts";

const nbwss = "NBWSS, CONNECT";
const ours = "ours, docs/protocol.md";
const wrongToken = "conformance-wrong-token";

/** CONNECT: who is let in, who is not, and how that is said. */
export const connectChecks: Check<EndpointPeer>[] = group("connect", [
  {
    id: "accepted",
    rule: "a CONNECT REQUEST with the right token is answered valid:true",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      await using _wire = await peer.connect();
    },
  },
  {
    id: "response",
    rule: "the CONNECT RESPONSE has version, the request's id, and seconds as timeStamp",
    source: "NBWSS, envelope",
    level: "MUST",
    async run(peer) {
      const request = peer.connectRequest();
      await using wire = await peer.openWith(request);
      const answer = await wire.take(is("CONNECT RESPONSE"), "a CONNECT RESPONSE", peer.timing.answerMs);
      const sameId = String(answer.value["id"]).toUpperCase() === request.id;
      const problems = problemsOfEnvelope(answer.value);
      if (!sameId) problems.push(`id is not the request's ${request.id}`);
      expect(
        problems.length === 0,
        "a right envelope",
        () => `${problems.join("; ")} in ${shown(answer.text)}`,
      );
    },
  },
  {
    id: "lower-case-id",
    rule: "the id of a request may be in lower case, and is repeated in the answer",
    source: "NBWSS, envelope",
    level: "MUST",
    async run(peer) {
      const request = peer.connectRequest();
      await using wire = await peer.openWith({ ...request, id: request.id.toLowerCase() });
      await peer.accepted(wire, request.id);
    },
  },
  {
    id: "works",
    rule: "an accepted connection is served: its notifications are acknowledged",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      await using wire = await peer.connect();
      await peer.works(wire);
    },
  },
  {
    id: "wrong-token",
    rule: "a wrong token is answered valid:false",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const request = peer.connectRequest(wrongToken);
      await using wire = await peer.openWith(request);
      const answer = await peer.verdict(wire, request.id);
      expect(payloadOf(answer)["valid"] === false, "valid:false", () => shown(answer.text));
    },
  },
  {
    id: "wrong-token-unserved",
    rule: "after a wrong token no notification is acknowledged",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      await using wire = await peer.openWith(peer.connectRequest(wrongToken));
      await wire.take(is("CONNECT RESPONSE"), "a CONNECT RESPONSE", peer.timing.answerMs);
      wire.send(message("NOTIFICATION REQUEST", [jobEntry(freshJobId())]));
      const acknowledged = is("NOTIFICATION RESPONSE");
      await wire.never(acknowledged, "no acknowledgement after a wrong token", peer.timing.quietMs);
    },
  },
  {
    id: "wrong-token-closed",
    rule: "a refused primary that does not close is closed with 1008",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.openWith(peer.connectRequest(wrongToken));
      await wire.ends("close 1008 after valid:false", peer.timing.closeMs, [1008]);
    },
  },
  {
    id: "empty-token",
    rule: "an empty token is not accepted",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      await using wire = await peer.openWith(peer.connectRequest(""));
      await peer.unserved(wire, "no valid:true for an empty token");
    },
  },
  {
    id: "no-token",
    rule: "a CONNECT REQUEST whose token is missing or no string is not accepted",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      for (const payload of [{}, { token: true }, { token: [peer.token] }, [], null]) {
        await using wire = await peer.openWith(message("CONNECT REQUEST", payload));
        await peer.unserved(wire, `no valid:true for the payload ${hidden(payload, peer.token)}`);
      }
    },
  },
  {
    id: "wrong-version",
    rule: 'a version other than "1.0" is not accepted',
    source: "NBWSS, envelope",
    level: "MUST",
    async run(peer) {
      await using wire = await peer.openWith({ ...peer.connectRequest(), version: "2.0" });
      await peer.unserved(wire, "no valid:true for version 2.0");
    },
  },
  {
    id: "not-first",
    rule: "a notification before CONNECT is not acknowledged",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      await using wire = await peer.openWith(message("NOTIFICATION REQUEST", [jobEntry(freshJobId())]));
      await peer.unserved(wire, "no acknowledgement before CONNECT");
    },
  },
  {
    id: "nothing",
    rule: "a connection on which no CONNECT comes within 10 s is closed with 1008",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.open();
      await wire.ends("close 1008 without CONNECT", peer.timing.closeMs, [1008]);
    },
  },
  {
    id: "takeover",
    rule: "a second connection with the same token is accepted and served",
    source: "NBWSS, connection rules",
    level: "MUST",
    async run(peer) {
      await using _older = await peer.connect();
      await using newer = await peer.connect();
      await peer.works(newer);
    },
  },
  {
    id: "superseded",
    rule: "the older of two connections with the same token is closed with 1000",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      await using older = await peer.connect();
      await using _newer = await peer.connect();
      await older.ends("close 1000 of the older connection", peer.timing.closeMs, [1000]);
    },
  },
  {
    id: "again",
    rule: "a primary that closed or was cut off may come back at once, as often as it likes",
    source: "NBWSS, connection rules",
    level: "MUST",
    async run(peer) {
      for (const end of ["close", "cut", "close"] as const) {
        await using wire = await peer.connect();
        await peer.works(wire);
        wire[end]();
        await wire.ends("the end of the connection", peer.timing.closeMs);
      }
      await using wire = await peer.connect();
      await peer.works(wire);
    },
  },
]);

function hidden(payload: unknown, token: string): string {
  return JSON.stringify(payload).replaceAll(token, "…");
}
