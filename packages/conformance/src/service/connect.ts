import { expect, group, type Check } from "../check.ts";
import { forms } from "../forms.ts";
import { is, message, newId, payloadOf, problemsOfEnvelope, shown } from "../message.ts";
import type { PrimaryPeer } from "./peer.ts";

const nbwss = "NBWSS, CONNECT";
const ours = "ours, docs/protocol.md";

/** CONNECT, as far as the first connection shows it. */
export const connectChecks: Check<PrimaryPeer>[] = group("connect", [
  {
    id: "dials",
    rule: "the primary dials the URL of the endpoint details over TLS 1.2 or newer, and the WebSocket opens",
    source: "NBWSS, roles",
    level: "MUST",
    async run(peer) {
      await peer.contact();
    },
  },
  {
    id: "first",
    rule: "its first message is a CONNECT REQUEST, and comes within 10 s",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const { connect } = await peer.contact();
      expect(is("CONNECT REQUEST")(connect), "CONNECT REQUEST first", () => shown(connect.text));
    },
  },
  {
    id: "request",
    rule: "the CONNECT REQUEST has version, a UUID as id, and seconds as timeStamp",
    source: "NBWSS, envelope",
    level: "MUST",
    async run(peer) {
      const { connect } = await peer.contact();
      const problems = problemsOfEnvelope(connect.value);
      expect(
        problems.length === 0,
        "a right envelope",
        () => `${problems.join("; ")} in ${shown(connect.text)}`,
      );
    },
  },
  {
    id: "token",
    rule: "its payload has the token of the endpoint details",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const { token } = payloadOf((await peer.contact()).connect);
      const isRight = token === peer.listener.details.token;
      expect(isRight, "the token of the details", () => (token === undefined ? "none" : "another one"));
    },
  },
  {
    id: "upper-case-id",
    rule: "ids that it makes are in upper case, as in every published example",
    source: "NBWSS, envelope",
    level: "SHOULD",
    async run(peer) {
      const id = String((await peer.contact()).connect.value["id"]);
      expect(id === id.toUpperCase(), "an id in upper case", () => id);
    },
  },
  {
    id: "waits",
    rule: "it sends nothing more before the CONNECT RESPONSE",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const { wire } = await peer.contact();
      await wire.never(() => true, "nothing before the verdict", peer.timing.quietMs);
    },
  },
  {
    id: "odd-response",
    rule: "a CONNECT RESPONSE may be pretty-printed, have its id in lower case, and members that nobody knows",
    source: "NBWSS, transport and envelope",
    level: "MUST",
    async run(peer) {
      await peer.contact();
      const wire = peer.answer(true, (answer) =>
        JSON.stringify(
          { serverName: "x", ...answer, id: answer.id.toLowerCase(), payload: { valid: true, seconds: 1 } },
          null,
          3,
        ),
      );
      await peer.works(wire);
    },
  },
]);

/** CONNECT, where the connection has to be made anew. */
export const verdictChecks: Check<PrimaryPeer>[] = group("verdict", [
  {
    id: "refused",
    rule: "after valid:false the primary closes the connection",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      await peer.contact();
      const wire = peer.answer(false);
      await wire.ends("that the primary closes after valid:false", peer.timing.closeMs);
    },
  },
  {
    id: "comes-back",
    rule: "a primary that was refused tries again, if slowly: the token may be put right at the endpoint",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      await peer.contact();
      const wire = peer.answer(false);
      await wire.until(() => wire.ending, peer.timing.closeMs);
      wire.cut();
      await peer.works(await peer.session());
    },
  },
  {
    id: "other-id",
    rule: "a CONNECT RESPONSE with another id is not taken for the verdict",
    source: "NBWSS, envelope",
    level: "MUST",
    async run(peer) {
      const { wire } = await peer.contact();
      wire.send(message("CONNECT RESPONSE", { valid: true }, newId()));
      wire.send(message("COMMAND REQUEST", { uri: "/netbackup/ping", method: "GET", headers: {} }));
      await wire.never(is("COMMAND RESPONSE"), "no answer before the right verdict", peer.timing.quietMs);
      wire.cut();
    },
  },
  {
    id: "waits-for-verdict",
    rule: "a command before the CONNECT RESPONSE is not carried out",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const { wire } = await peer.contact();
      wire.send(message("COMMAND REQUEST", { uri: "/netbackup/ping", method: "GET", headers: {} }));
      await wire.never(is("COMMAND RESPONSE"), "no answer before the verdict", peer.timing.quietMs);
      wire.cut();
    },
  },
]);

/** Messages of the endpoint, written in each way that JSON and NBWSS allow. */
export const envelopeChecks: Check<PrimaryPeer>[] = group(
  "envelope",
  forms.map(({ write, ...form }) => ({
    ...form,
    level: "MUST" as const,
    async run(peer: PrimaryPeer) {
      await peer.command(await peer.session(), { uri: "/netbackup/ping" }, write);
    },
  })),
);
