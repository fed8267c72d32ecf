import { expect, group, type Check } from "../check.ts";
import type { PrimaryPeer } from "./peer.ts";

/** Pings, pongs and what happens without them. */
export const keepAliveChecks: Check<PrimaryPeer>[] = group("keep-alive", [
  {
    id: "pong",
    rule: "a ping is answered with a pong that bears the same bytes",
    source: "RFC 6455, 5.5.3",
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      const isAnswered = await wire.fence(peer.timing.answerMs);
      expect(isAnswered, "a pong", () => `pongs with ${JSON.stringify(wire.pongs)}`);
    },
  },
  {
    id: "unasked-pong",
    rule: "a pong that nobody asked for changes nothing",
    source: "RFC 6455, 5.5.3",
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      wire.pong("nobody asked");
      await peer.works(wire);
    },
  },
  {
    id: "pings",
    rule: "the primary pings, every 30 s unless it is set otherwise",
    source: "NBWSS, keep-alive.scheduledRate",
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      const before = wire.pings;
      const pinged = await wire.until(() => (wire.pings > before ? true : undefined), peer.timing.pingMs);
      expect(pinged === true, `a ping within ${peer.timing.pingMs} ms`, () => "none");
    },
  },
  {
    id: "half-open",
    rule: "an endpoint that answers no ping any more is given up, and dialled again",
    source: "NBWSS, keepAlive.maxPongMissAllowed",
    level: "MUST",
    needs: "slow",
    async run(peer) {
      const wire = await peer.session();
      wire.fallSilent();
      await wire.ends("the end of a connection that is only half there", peer.timing.silenceMs);
      await peer.works(await peer.session());
    },
  },
]);
