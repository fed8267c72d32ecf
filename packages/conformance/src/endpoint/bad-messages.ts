import { group, type Check } from "../check.ts";
import { message } from "../message.ts";
import type { EndpointPeer } from "./peer.ts";

interface Bad {
  id: string;
  rule: string;
  text: string;
  codes: number[];
}

const good = message("NOTIFICATION REQUEST", []);
const bent = (changed: object) => JSON.stringify({ ...good, ...changed });

const bads: Bad[] = [
  { id: "not-json", rule: "text that is not JSON closes with 1007", text: "{not json", codes: [1007] },
  { id: "empty", rule: "an empty message closes with 1007", text: "", codes: [1007] },
  {
    id: "deep",
    rule: "JSON that nests deeper than 64 closes with 1007",
    text: bent({ extra: 1 }).replace('"extra":1', `"extra":${"[".repeat(5_000)}${"]".repeat(5_000)}`),
    codes: [1007],
  },
  {
    id: "no-object",
    rule: "JSON that is no object closes with 1008",
    text: "[1,null]",
    codes: [1007, 1008],
  },
  {
    id: "no-id",
    rule: "a message without id closes with 1008",
    text: bent({ id: undefined }),
    codes: [1008],
  },
  { id: "bad-id", rule: "an id that is no UUID closes with 1008", text: bent({ id: "1" }), codes: [1008] },
  {
    id: "unknown-type",
    rule: "a message of an unknown type closes with 1008",
    text: bent({ type: "RESTORE" }),
    codes: [1008],
  },
  {
    id: "unknown-sub-type",
    rule: "a message of an unknown subType closes with 1008",
    text: bent({ subType: "EVENT" }),
    codes: [1008],
  },
  {
    id: "other-version",
    rule: 'a version other than "1.0" on an established connection closes with 1008',
    text: bent({ version: "1.1" }),
    codes: [1008],
  },
  {
    id: "payload-type",
    rule: "a notification whose payload is no array closes with 1008",
    text: bent({ payload: { data: [] } }),
    codes: [1008],
  },
  {
    id: "prototype",
    rule: "names that JavaScript gives a meaning to are names like others: what lacks its members closes with 1008",
    text: `{"__proto__":${JSON.stringify(good)},"constructor":{"prototype":{"version":"1.0"}}}`,
    codes: [1008],
  },
];

/** Messages that can't be read: each ends its own connection, and nothing else. */
export const badMessageChecks: Check<EndpointPeer>[] = group("bad-messages", [
  ...bads.map(({ id, rule, text, codes }) => ({
    id,
    rule,
    source: "ours, docs/protocol.md",
    level: "SHOULD" as const,
    async run(peer: EndpointPeer) {
      await using wire = await peer.connect();
      wire.sendText(text);
      await wire.ends(`close ${codes.join(" or ")}`, peer.timing.closeMs, codes);
    },
  })),
  {
    id: "second-connect",
    rule: "a second CONNECT REQUEST closes with 1008",
    source: "ours, docs/protocol.md",
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.connect();
      wire.send(peer.connectRequest());
      await wire.ends("close 1008", peer.timing.closeMs, [1008]);
    },
  },
  {
    id: "before-connect",
    rule: "a message other than CONNECT REQUEST first closes with 1008",
    source: "ours, docs/protocol.md",
    level: "SHOULD",
    async run(peer) {
      for (const name of ["NOTIFICATION REQUEST", "COMMAND RESPONSE", "CONNECT RESPONSE"]) {
        const payload = { "NOTIFICATION REQUEST": [], "CONNECT RESPONSE": { valid: true } }[name] ?? {};
        await using wire = await peer.openWith(message(name, payload));
        await wire.ends(`close 1008 after ${name}`, peer.timing.closeMs, [1008]);
      }
    },
  },
  {
    id: "harm",
    rule: "none of these harms another connection: the next primary is accepted and served",
    source: "NBWSS, connection rules",
    level: "MUST",
    async run(peer) {
      for (const { text } of bads) {
        await using wire = await peer.connect();
        wire.sendText(text);
        wire.ping("and on");
      }
      await using wire = await peer.connect();
      await peer.works(wire);
    },
  },
]);
