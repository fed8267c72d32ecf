import { expect, group, type Check } from "../check.ts";
import type { EndpointPeer } from "./peer.ts";

/** Pings, pongs and what happens without them. */
export const keepAliveChecks: Check<EndpointPeer>[] = group("keep-alive", [
  {
    id: "pong",
    rule: "a ping is answered with a pong that bears the same bytes",
    source: "NBWSS, keep-alive; RFC 6455, 5.5.3",
    level: "MUST",
    async run(peer) {
      await using wire = await peer.connect();
      wire.ping("a-ping");
      const expected = "a pong with the bytes a-ping";
      const found = await wire.until(() => wire.pongs.includes("a-ping") || undefined, peer.timing.answerMs);
      expect(found === true, expected, () => `pongs with ${JSON.stringify(wire.pongs)}`);
    },
  },
  {
    id: "unasked-pong",
    rule: "a pong that nobody asked for changes nothing",
    source: "RFC 6455, 5.5.3",
    level: "MUST",
    async run(peer) {
      await using wire = await peer.connect();
      wire.pong("nobody asked");
      await peer.works(wire);
    },
  },
  {
    id: "idle",
    rule: "a connection on which the primary only answers and sends pings stays and works",
    source: "NBWSS, keep-alive",
    level: "MUST",
    needs: "slow",
    async run(peer) {
      await using wire = await peer.connect();
      const ending = await wire.until(() => wire.ending, peer.timing.idleMs);
      expect(ending === undefined, "a connection that stays", () => `its end with ${ending?.code}`);
      await peer.works(wire);
    },
  },
  {
    id: "pings",
    rule: "the endpoint pings too, so that proxies keep the connection and it notices a dead primary",
    source: "ours, docs/protocol.md",
    level: "SHOULD",
    needs: "slow",
    async run(peer) {
      await using wire = await peer.connect();
      const pinged = await wire.until(() => (wire.pings > 0 ? true : undefined), peer.timing.idleMs);
      expect(pinged === true, `a ping within ${peer.timing.idleMs} ms`, () => "none");
    },
  },
  {
    id: "half-open",
    rule: "a primary that answers no ping any more is cut off",
    source: "ours, docs/protocol.md",
    level: "SHOULD",
    needs: "slow",
    async run(peer) {
      await using wire = await peer.connect({ answersPings: false });
      await wire.ends("the end of a connection that is only half there", peer.timing.silenceMs);
    },
  },
]);
