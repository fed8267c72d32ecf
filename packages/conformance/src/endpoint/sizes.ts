import { group, type Check } from "../check.ts";
import { freshJobId, jobEntry } from "../items.ts";
import { message } from "../message.ts";
import type { EndpointPeer } from "./peer.ts";

const mib = 1024 * 1024;
const ours = "ours, docs/protocol.md";

/** The smallest and the largest messages. */
export const sizeChecks: Check<EndpointPeer>[] = group("sizes", [
  {
    id: "tiny",
    rule: "items without any member are acknowledged",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.connect();
      await peer.notify(wire, [{ notificationType: "INFO", object: "JOB", data: [{}] }]);
    },
  },
  {
    id: "one-mebibyte",
    rule: "a message of 1 MiB is taken; NBWSS names no limit",
    source: "NBWSS, NOTIFICATION",
    level: "MUST",
    run: (peer) => sendOfSize(peer, Math.min(mib, peer.timing.maxMessageBytes)),
  },
  {
    id: "just-below",
    rule: "a message just below the limit (8 MiB unless said) is taken",
    source: ours,
    level: "SHOULD",
    run: (peer) => sendOfSize(peer, peer.timing.maxMessageBytes - 1),
  },
  {
    id: "over",
    rule: "a message over the limit closes with 1009",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.connect();
      wire.sendText(ofSize(peer.timing.maxMessageBytes + 1).text);
      await wire.ends("close 1009", peer.timing.closeMs, [1009]);
    },
  },
  {
    id: "over-in-fragments",
    rule: "a message that grows over the limit frame by frame closes with 1009",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      const { text } = ofSize(peer.timing.maxMessageBytes + 1);
      const quarter = Math.ceil(text.length / 4);
      await using wire = await peer.connect();
      wire.sendFragments([0, 1, 2, 3].map((n) => text.slice(n * quarter, (n + 1) * quarter)));
      await wire.ends("close 1009", peer.timing.closeMs, [1009]);
    },
  },
]);

async function sendOfSize(peer: EndpointPeer, bytes: number): Promise<void> {
  const { text, id } = ofSize(bytes);
  await using wire = await peer.connect();
  wire.sendText(text);
  await peer.acknowledged(wire, id);
}

/** A notification of exactly so many bytes. */
function ofSize(bytes: number): { text: string; id: string } {
  const make = (filler: string) => message("NOTIFICATION REQUEST", [jobEntry(freshJobId(), { filler })]);
  const bare = make("");
  const missing = bytes - JSON.stringify(bare).length;
  const full = { ...bare, payload: [jobEntry(freshJobId(), { filler: "x".repeat(missing) })] };
  const text = JSON.stringify(full);
  return { text, id: bare.id };
}
