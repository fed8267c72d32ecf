import { randomUUID } from "node:crypto";
import { createServer as createPlainServer, type IncomingMessage } from "node:http";
import { createServer as createNetServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { createServer, type ServerOptions } from "node:https";
import type { Duplex } from "node:stream";
import { ensureServerCertificate } from "@sallyport/certificates";
import { WebSocketServer, type WebSocket } from "ws";
import { temporaryFolder } from "./folder.ts";

/** What an endpoint of a test does wrong; without any it keeps every rule that the conformance suite knows. */
export type EndpointFault =
  | "serves-plain"
  | "serves-old-tls"
  | "reads-binary"
  | "reads-bad-utf8"
  | "reads-other-versions"
  | "refuses-fragments"
  | "never-reads"
  | "never-closes"
  | "closes-with-1000"
  | "dies-of-bad-messages"
  | "accepts-every-token"
  | "refuses-every-token"
  | "serves-the-refused"
  | "serves-before-connect"
  | "refuses-a-second-connection"
  | "accepts-three-times"
  | "keeps-the-older-connection"
  | "answers-under-new-ids"
  | "answers-in-milliseconds"
  | "acknowledges-nothing"
  | "acknowledges-twice"
  | "acknowledges-an-id-once"
  | "acknowledges-an-item-once"
  | "acknowledges-with-an-object"
  | "knows-only-good-items"
  | "reads-compact-json-only"
  | "reads-upper-case-only"
  | "refuses-unknown-members"
  | "refuses-old-times"
  | "takes-little"
  | "takes-everything"
  | "answers-no-ping"
  | "sends-no-ping"
  | "cuts-the-idle"
  | "dies-of-unasked-pongs"
  | "dies-of-unknown-answers"
  | "sends-bad-commands"
  | "reuses-command-ids"
  | "dies-of-answers";

type Value = Record<string, unknown> & { id: string; payload: Record<string, unknown> };

const token = "the-right-token";
const pingMs = 100;

/** An endpoint made of raw `ws`, with faults. */
export async function startFaultyEndpoint(...faults: EndpointFault[]) {
  const has = (fault: EndpointFault) => faults.includes(fault);
  const state: Shared = { seenIds: new Set(), seenItems: new Set(), isDead: false, commands: 0, accepted: 0 };
  const acceptor = new WebSocketServer({
    noServer: true,
    autoPong: !has("answers-no-ping"),
    skipUTF8Validation: has("reads-bad-utf8"),
    maxPayload: has("takes-everything") ? 64 << 20 : has("takes-little") ? 10_000 : 1 << 20,
  });
  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (state.isDead) stream.destroy();
    else acceptor.handleUpgrade(request, stream, head, (socket) => serve(socket, has, state));
  };
  using folder = temporaryFolder();
  const hostNames = ["localhost", "127.0.0.1"];
  const certificate = await ensureServerCertificate({
    dir: folder.path,
    owner: "test",
    hostNames,
    nowMs: Date.now(),
  });
  const old: ServerOptions = { minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" };
  const secure = createServer({
    cert: certificate.certPem,
    key: certificate.keyPem,
    ...(has("serves-old-tls") ? old : {}),
  });
  const plain = createPlainServer();
  secure.on("upgrade", upgrade);
  plain.on("upgrade", upgrade);
  const streams = new Set<Socket>();
  const listener = createNetServer((stream) => {
    streams.add(stream);
    stream.on("close", () => streams.delete(stream));
    stream.on("error", () => stream.destroy());
    stream.once("data", (first: Buffer) => {
      stream.pause();
      stream.unshift(first);
      // 22 begins a TLS handshake.
      if (first[0] === 22) secure.emit("connection", stream);
      else if (has("serves-plain")) plain.emit("connection", stream);
      else stream.destroy();
      process.nextTick(() => stream.resume());
    });
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    url: `wss://127.0.0.1:${(listener.address() as AddressInfo).port}/nbwss`,
    token,
    ca: certificate.caPem,
    /** Sends a command to the primary that connected last. */
    command: () => state.latest?.command(),
    async [Symbol.asyncDispose]() {
      for (const socket of acceptor.clients) socket.terminate();
      for (const stream of streams) stream.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

interface Shared {
  seenIds: Set<string>;
  seenItems: Set<string>;
  isDead: boolean;
  commands: number;
  accepted: number;
  latest?: Served | undefined;
}

type Has = (fault: EndpointFault) => boolean;

interface Served {
  command(): void;
  close(code: number): void;
}

function serve(socket: WebSocket, has: Has, shared: Shared): void {
  let standing: "new" | "refused" | "established" = "new";
  let missed = 0;
  let isAnswering = true;
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, run: () => void) => timers.add(setTimeout(run, ms));
  const close = (code: number) => {
    if (has("dies-of-bad-messages") && code !== 1000) shared.isDead = true;
    if (!has("never-closes")) socket.close(has("closes-with-1000") ? 1000 : code);
  };
  const reply = (type: string, id: string, payload: unknown) => {
    if (!isAnswering) return;
    const timeStamp = has("answers-in-milliseconds") ? Date.now() : Math.floor(Date.now() / 1000);
    const answered = has("answers-under-new-ids") ? randomUUID() : id;
    const head = { version: "1.0", id: answered, type, subType: "RESPONSE", timeStamp };
    socket.send(JSON.stringify({ ...head, payload }));
  };
  const self: Served = { close, command: () => sendCommand(socket, has, shared) };

  function onConnect({ id, payload }: Value): void {
    if (standing !== "new") return close(1008);
    if (typeof payload?.["token"] !== "string" || payload["token"] === "") {
      if (has("accepts-every-token")) reply("CONNECT", id, { valid: true });
      return close(1008);
    }
    const isTaken = has("refuses-a-second-connection") && shared.latest !== undefined;
    const isRight = (payload["token"] === token && !has("refuses-every-token")) || has("accepts-every-token");
    const valid = isRight && !isTaken && !(has("accepts-three-times") && shared.accepted === 3);
    if (valid) shared.accepted += 1;
    standing = valid ? "established" : "refused";
    reply("CONNECT", id, { valid });
    if (!valid) {
      after(300, () => close(1008));
      return;
    }
    if (!has("keeps-the-older-connection")) shared.latest?.close(1000);
    shared.latest = self;
    if (has("never-reads")) setImmediate(() => socket.pause());
    if (has("cuts-the-idle")) after(200, () => socket.terminate());
    if (!has("sends-no-ping")) {
      const beat = setInterval(() => {
        missed += 1;
        if (missed > 3) socket.terminate();
        else socket.ping();
      }, pingMs);
      timers.add(beat);
    }
  }

  function onNotification(value: Value): void {
    const { id } = value;
    const payload: unknown = value.payload;
    if (!Array.isArray(payload)) return close(1008);
    const items = JSON.stringify(payload);
    if (has("acknowledges-nothing")) return;
    if (has("acknowledges-an-id-once") && shared.seenIds.has(id.toUpperCase())) return;
    if (has("acknowledges-an-item-once") && shared.seenItems.has(items)) return;
    if (has("knows-only-good-items") && !isGood(payload)) return close(1008);
    shared.seenIds.add(id.toUpperCase());
    shared.seenItems.add(items);
    const answer = has("acknowledges-with-an-object") ? { ok: true } : [];
    for (let n = has("acknowledges-twice") ? 2 : 1; n > 0; n -= 1) reply("NOTIFICATION", id, answer);
  }

  function onMessage(value: Value): void {
    const name = `${String(value["type"])} ${String(value["subType"])}`;
    if (has("refuses-old-times") && value["timeStamp"] === 0) return close(1008);
    if (value["version"] !== "1.0" && !has("reads-other-versions")) return close(1008);
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value.id)) return close(1008);
    if (has("reads-upper-case-only") && value.id !== value.id.toUpperCase()) return;
    const known = ["version", "id", "type", "subType", "timeStamp", "payload"];
    if (has("refuses-unknown-members") && Object.keys(value).some((key) => !known.includes(key)))
      return close(1008);
    if (name === "CONNECT REQUEST") return onConnect(value);
    if (standing === "refused" && !has("serves-the-refused")) return;
    if (standing === "new" && !has("serves-before-connect")) return close(1008);
    if (name === "NOTIFICATION REQUEST") return onNotification(value);
    if (name !== "COMMAND RESPONSE") return close(1008);
    if (has("dies-of-unknown-answers") && shared.commands === 0) return socket.terminate();
    if (has("dies-of-answers")) return socket.terminate();
  }

  after(300, () => {
    if (standing === "new") close(1008);
  });
  socket.on("message", (data, isBinary) => {
    missed = 0;
    if (isBinary && !has("reads-binary")) return close(1003);
    const text = (data as Buffer).toString();
    const value = parse(text);
    if (value === undefined) return close(1007);
    if (has("reads-compact-json-only") && text !== compact(value)) return close(1007);
    onMessage(value);
  });
  socket.on("pong", (payload) => {
    missed = 0;
    if (has("dies-of-unasked-pongs") && payload.length > 0) socket.terminate();
  });
  socket.on("ping", () => {
    missed = 0;
    // The suite pings between two frames of one message.
    if (has("refuses-fragments")) isAnswering = false;
  });
  socket.on("error", () => {
    if (has("dies-of-bad-messages")) shared.isDead = true;
  });
  socket.on("close", () => {
    for (const timer of timers) clearTimeout(timer);
    if (shared.latest === self) shared.latest = undefined;
  });
}

function sendCommand(socket: WebSocket, has: Has, shared: Shared): void {
  shared.commands += 1;
  const headers = has("sends-bad-commands")
    ? { "Content-Type": "text/plain", Retries: 3 }
    : { "Content-Type": "application/vnd.netbackup+json;version=12.0" };
  const uri = has("sends-bad-commands") ? "https://elsewhere.example/" : "/netbackup/ping";
  const id = has("reuses-command-ids") ? "11111111-1111-4111-8111-111111111111" : randomUUID();
  const timeStamp = Math.floor(Date.now() / 1000);
  const payload = { uri, method: "GET", headers };
  socket.send(
    JSON.stringify({ version: "1.0", id, type: "COMMAND", subType: "REQUEST", timeStamp, payload }),
  );
}

/** Reads a message, unless it is no object or nests too deep. */
function parse(text: string): Value | undefined {
  if (text.includes("[".repeat(65))) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Value) : undefined;
  } catch {
    return undefined;
  }
}

/** As `JSON.stringify` writes a message whose members stand in the usual order. */
function compact({ version, id, type, subType, timeStamp, payload }: Value): string {
  return JSON.stringify({ version, id, type, subType, timeStamp, payload });
}

function isGood(payload: unknown[]): boolean {
  const entries = payload as { object?: string; data?: Record<string, unknown>[] }[];
  return (
    entries.length === 1 &&
    entries.every(
      ({ object, data = [] }) =>
        object === "JOB" && data.length === 1 && data.every((item) => item["policyName"] === "conformance"),
    )
  );
}
