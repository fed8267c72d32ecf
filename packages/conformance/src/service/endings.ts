import { expect, group, type Check } from "../check.ts";
import { message } from "../message.ts";
import type { Wire } from "../wire.ts";
import { commandRequest, type PrimaryPeer } from "./peer.ts";

const ours = "ours, docs/protocol.md";
const decoder = "NBWSS, nbwss.properties (exception.ignoreDecoder=false)";

interface Bad {
  id: string;
  rule: string;
  source: string;
  level: "MUST" | "SHOULD";
  codes: number[];
  send: (wire: Wire, peer: PrimaryPeer) => void;
}

const ping = commandRequest({ uri: "/netbackup/ping" });
const bent = (changed: object) => JSON.stringify({ ...ping, ...changed });

const bads: Bad[] = [
  {
    id: "not-json",
    rule: "text that is not JSON closes the connection with 1007 or 1008",
    source: decoder,
    level: "MUST",
    codes: [1007, 1008],
    send: (wire) => wire.sendText("{not json"),
  },
  {
    id: "malformed-command",
    rule: "a command that lacks its method closes the connection with 1007 or 1008",
    source: decoder,
    level: "MUST",
    codes: [1007, 1008],
    send: (wire) => wire.sendText(bent({ payload: { uri: "/netbackup/ping", headers: {} } })),
  },
  {
    id: "other-version",
    rule: 'a version other than "1.0" closes with 1008',
    source: ours,
    level: "SHOULD",
    codes: [1008],
    send: (wire) => wire.sendText(bent({ version: "2.0" })),
  },
  {
    id: "unknown-type",
    rule: "a message of an unknown type closes with 1008",
    source: ours,
    level: "SHOULD",
    codes: [1008],
    send: (wire) => wire.sendText(bent({ type: "RESTORE" })),
  },
  {
    id: "second-verdict",
    rule: "a second CONNECT RESPONSE closes with 1008",
    source: ours,
    level: "SHOULD",
    codes: [1008],
    send: (wire) => wire.send(message("CONNECT RESPONSE", { valid: true })),
  },
  {
    id: "deep",
    rule: "JSON that nests deeper than 64 closes with 1007",
    source: ours,
    level: "SHOULD",
    codes: [1007],
    send: (wire) =>
      wire.sendText(
        bent({ extra: 1 }).replace('"extra":1', `"extra":${"[".repeat(5_000)}${"]".repeat(5_000)}`),
      ),
  },
  {
    id: "binary",
    rule: "a binary message closes with 1003",
    source: ours,
    level: "SHOULD",
    codes: [1003],
    send: (wire) => wire.sendBinary(Buffer.from(JSON.stringify(ping))),
  },
  {
    id: "invalid-utf8",
    rule: "a text message that is not UTF-8 ends the connection",
    source: "RFC 6455, 8.1",
    level: "MUST",
    codes: [],
    send: (wire) => wire.sendText(Buffer.from([0x22, 0xff, 0x22])),
  },
  {
    id: "over-limit",
    rule: "a message over the limit (8 MiB unless said) closes with 1009",
    source: ours,
    level: "SHOULD",
    codes: [1009],
    send: (wire, peer) => wire.sendText(bent({ filler: "x".repeat(peer.timing.maxMessageBytes) })),
  },
];

/** Messages that can't be read, and ways to end: the primary ends the connection, and always comes back. */
export const badMessageChecks: Check<PrimaryPeer>[] = group(
  "bad-messages",
  bads.map(({ send, codes, ...bad }) => ({
    ...bad,
    async run(peer: PrimaryPeer) {
      const wire = await peer.session();
      send(wire, peer);
      const expected = codes.length === 0 ? "the end of the connection" : `close ${codes.join(" or ")}`;
      await wire.ends(expected, peer.timing.closeMs, codes);
    },
  })),
);

interface End {
  id: string;
  rule: string;
  end: (wire: Wire) => void;
}

const ends: End[] = [
  {
    id: "after-1012",
    rule: "closed with 1012 (the endpoint restarts), the primary connects again",
    end: (wire) => wire.close(1012, "restarting"),
  },
  {
    id: "after-1000",
    rule: "closed with 1000 by the cloud application, the primary connects again",
    end: (wire) => wire.close(1000, ""),
  },
  {
    id: "after-1013",
    rule: "closed with 1013 (try again later), the primary connects again",
    end: (wire) => wire.close(1013, "try again later"),
  },
  { id: "after-cut", rule: "cut off without a word, the primary connects again", end: (wire) => wire.cut() },
];

/** The primary always comes back. */
export const reconnectChecks: Check<PrimaryPeer>[] = group("reconnect", [
  ...ends.map(({ id, rule, end }) => ({
    id,
    rule,
    source: "NBWSS, connection rules",
    level: "MUST" as const,
    async run(peer: PrimaryPeer) {
      const wire = await peer.session();
      end(wire);
      await wire.until(() => wire.ending, peer.timing.closeMs);
      await peer.works(await peer.session());
    },
  })),
  {
    id: "answers-close",
    rule: "a close of the endpoint is answered with the same code",
    source: "RFC 6455, 5.5.1",
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      await peer.works(wire);
      wire.close(1012, "restarting");
      await wire.ends("a close frame with 1012", peer.timing.answerMs, [1012]);
    },
  },
]);

/** What has to hold of every connection of the run; these go last. */
export const wholeRunChecks: Check<PrimaryPeer>[] = group("whole-run", [
  {
    id: "frames",
    rule: "every frame keeps RFC 6455, masked as a client's frames are",
    source: "RFC 6455, 5.1",
    level: "MUST",
    run: (peer) =>
      nothingWrong(peer, ({ protocolError }) => (protocolError === undefined ? [] : [protocolError])),
  },
  {
    id: "text",
    rule: "every message is one JSON object in a text message",
    source: "NBWSS, transport",
    level: "MUST",
    run: (peer) => nothingWrong(peer, ({ garbage }) => garbage),
  },
  {
    id: "envelopes",
    rule: "every message has version, a UUID as id, and seconds as timeStamp",
    source: "NBWSS, envelope",
    level: "MUST",
    run: (peer) => nothingWrong(peer, ({ badEnvelopes }) => badEnvelopes),
  },
  {
    id: "one-connection",
    rule: "at most one connection to an endpoint at a time",
    source: "NBWSS, connection rules",
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      // A second one may be on its way.
      await wire.until(() => undefined, peer.timing.quietMs, { endsWithSocket: true });
      const { overlaps, standing } = peer.listener;
      const found = overlaps + Math.max(0, standing - 1);
      expect(found === 0, "one connection at a time", () => `${found} times a second one beside it`);
    },
  },
]);

async function nothingWrong(peer: PrimaryPeer, notes: (wire: Wire) => string[]): Promise<void> {
  // Without any connection there is nothing to judge; what it answers is judged elsewhere.
  await peer.works(await peer.session()).catch(() => {});
  const wrong = peer.listener.wires.flatMap(notes);
  expect(wrong.length === 0, "none on any connection", () => wrong.slice(0, 3).join("; "));
}
