import { once } from "node:events";
import { WebSocket } from "ws";
import { expect, Failed, group, type Check } from "../check.ts";
import { jobEntry, freshJobId } from "../items.ts";
import { message } from "../message.ts";
import type { EndpointPeer } from "./peer.ts";

const rfc = (section: string) => `RFC 6455, ${section}`;

/** TLS and WebSocket, below NBWSS. */
export const transportChecks: Check<EndpointPeer>[] = group("transport", [
  {
    id: "certificate",
    rule: "the endpoint's certificate is one that the primary can verify, for the host of the URL",
    source: "NBWSS, transport",
    level: "MUST",
    async run(peer) {
      await using _wire = await peer.open();
    },
  },
  {
    id: "plain",
    rule: "ws:// without TLS is not served on the endpoint's port",
    source: "NBWSS, roles",
    level: "MUST",
    async run(peer) {
      // An endpoint that can't be reached at all must not pass for one that refuses.
      await using _wire = await peer.open();
      const { host, port, pathname, search } = peer.url;
      // The port has to be said: without it, ws:// means 80 and not the 443 of wss://.
      const plain = new URL(`ws://${host}${pathname}${search}`);
      plain.port = port === "" ? "443" : port;
      const socket = new WebSocket(plain, { handshakeTimeout: peer.timing.answerMs });
      try {
        await once(socket, "open");
      } catch {
        // Refused, as it has to be.
        return;
      } finally {
        socket.terminate();
      }
      throw new Failed("a refusal of ws://", "an open WebSocket without TLS");
    },
  },
  {
    id: "old-tls",
    rule: "TLS older than 1.2 is refused",
    source: "ours, docs/protocol.md",
    level: "SHOULD",
    async run(peer) {
      await using _wire = await peer.open();
      const old = {
        minVersion: "TLSv1",
        maxVersion: "TLSv1.1",
        ciphers: "DEFAULT@SECLEVEL=0",
      } as const;
      const opened = await peer.open({}, old).catch(() => undefined);
      opened?.cut();
      expect(opened === undefined, "a refusal of TLS 1.1", () => "an open WebSocket");
    },
  },
  {
    id: "fragments",
    rule: "a text message in several frames is one message, also with a ping between them",
    source: rfc("5.4"),
    level: "MUST",
    async run(peer) {
      const request = peer.connectRequest();
      await using wire = await peer.open();
      wire.sendFragments(thirds(JSON.stringify(request)), () => wire.ping("between"));
      await peer.accepted(wire, request.id);
      const notification = message("NOTIFICATION REQUEST", [
        jobEntry(freshJobId(), { policyName: "Größe 備份 💾" }),
      ]);
      // Cut by bytes, so that a character may lie across two frames.
      wire.sendFragments(pieces(Buffer.from(JSON.stringify(notification)), 7));
      await peer.acknowledged(wire, notification.id);
    },
  },
  {
    id: "invalid-utf8",
    rule: "a text message that is not UTF-8 ends the connection",
    source: rfc("8.1"),
    level: "MUST",
    async run(peer) {
      await using wire = await peer.connect();
      wire.sendText(notUtf8);
      await wire.ends("the end of the connection", peer.timing.closeMs);
    },
  },
  {
    id: "invalid-utf8-code",
    rule: "a text message that is not UTF-8 closes with 1007",
    source: rfc("7.4.1"),
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.connect();
      wire.sendText(notUtf8);
      await wire.ends("close 1007", peer.timing.closeMs, [1007]);
    },
  },
  {
    id: "binary",
    rule: "a binary message closes with 1003",
    source: "ours, docs/protocol.md",
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.connect();
      wire.sendBinary(Buffer.from(JSON.stringify(message("NOTIFICATION REQUEST", []))));
      await wire.ends("close 1003", peer.timing.closeMs, [1003]);
    },
  },
  {
    id: "binary-connect",
    rule: "a CONNECT REQUEST in a binary message is not accepted",
    source: "NBWSS, transport",
    level: "MUST",
    async run(peer) {
      await using wire = await peer.open();
      wire.sendBinary(Buffer.from(JSON.stringify(peer.connectRequest())));
      await peer.unserved(wire, "no valid:true for a binary message");
    },
  },
  {
    id: "close",
    rule: "a primary that closes with 1000 is answered with the same code",
    source: rfc("5.5.1"),
    level: "MUST",
    async run(peer) {
      await using wire = await peer.connect();
      wire.close(1000, "maintenance");
      await wire.ends("a close frame with 1000", peer.timing.answerMs, [1000]);
    },
  },
]);

/** A good message but for one byte that UTF-8 never has. */
const notUtf8 = Buffer.concat([
  Buffer.from(`{"version":"1.0","id":"`),
  Buffer.from([0xff]),
  Buffer.from(`"}`),
]);

function thirds(text: string): string[] {
  const third = Math.ceil(text.length / 3);
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)];
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}
