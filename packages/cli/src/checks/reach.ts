import { createHash, randomBytes, type X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request, type RequestOptions } from "node:https";
import { connect as connectTcp, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { connectionIdHeader } from "@sallyport/nbwss";
import { checkLimits } from "./limits.ts";

const { stepTimeoutMs, maxAnswerBytes } = checkLimits;

/** What TLS at an address looks like. */
export interface TlsSeen {
  /** The certificates that were served, the server's first; none where there was no TLS. */
  chain: X509Certificate[];
  /** Why it can't be verified: a code of Node's or OpenSSL's; undefined when it is. */
  problem: string | undefined;
}

/** An answer, its beginning at least. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
  /** Epoch ms, by this machine's clock. */
  sentMs: number;
  receivedMs: number;
}

/** What became of an upgrade to a WebSocket. */
export interface Upgraded {
  status: number;
  /** Whether the answer belongs to the request (RFC 6455, Sec-WebSocket-Accept). */
  isAccepted: boolean;
  /** Whether it has the hub's tracking id. */
  isHub: boolean;
  /** Whether the peer took part in the closing. */
  isClosedByPeer: boolean;
}

/** A server to be looked at. */
export interface Target {
  url: URL;
  /** All authorities that count, PEM. */
  ca: readonly string[];
  /** Whether a certificate among them that is no root counts too: what a hub serves need not have its root behind it. */
  isPartialChainEnough?: boolean;
}

/** Host without brackets, and port, of an https URL. */
export function addressOf(url: URL): { host: string; port: number } {
  return { host: url.hostname.replaceAll(/^\[|\]$/g, ""), port: Number(url.port === "" ? 443 : url.port) };
}

/** All addresses of a host name. @throws Error with the resolver's `code` */
export async function resolveHost(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** Connects and hangs up. @throws Error with a `code` when it can't, or not in time */
export async function tryTcp(host: string, port: number): Promise<void> {
  const socket = connectTcp({ host, port });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(stepTimeoutMs) });
  } finally {
    socket.destroy();
  }
}

/**
 * Looks at the certificates of a server, be they good or not. Nothing is sent over that connection, and what it shows is only reported;
 * whatever is asked for afterwards goes over a verified one.
 */
export async function lookAtTls(target: Target): Promise<TlsSeen> {
  const { host, port } = addressOf(target.url);
  const socket = connectTls({
    ...verification(target),
    host,
    port,
    ...nameOf(host),
    rejectUnauthorized: false,
  });

  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(stepTimeoutMs) });
    const problem = socket.authorized ? undefined : String(socket.authorizationError);
    return { chain: chainOf(socket), problem };
  } catch (error) {
    return { chain: [], problem: reasonOf(error) };
  } finally {
    socket.destroy();
  }
}

/** Asks for a path over verified TLS. @throws Error */
export async function askFor(target: Target, path: string): Promise<Answer> {
  const sentMs = Date.now();
  const sent = request(new URL(path, target.url), {
    ...verification(target),
    agent: false,
    signal: AbortSignal.timeout(stepTimeoutMs),
  });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const receivedMs = Date.now();
  // Whatever goes wrong from here on is the body's, and comes from reading it.
  sent.on("error", () => undefined);
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk as string;
    if (text.length > maxAnswerBytes) break;
  }
  sent.destroy();
  return { status: response.statusCode ?? 0, headers: response.headers, text, sentMs, receivedMs };
}

/** Opens a WebSocket as a primary does, over verified TLS, and closes it again without a word. @throws Error */
export async function tryUpgrade(target: Target): Promise<Upgraded> {
  const key = randomBytes(16).toString("base64");
  const signal = AbortSignal.timeout(stepTimeoutMs);
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
  };
  const sent = request(new URL("/nbwss", target.url), {
    ...verification(target),
    agent: false,
    signal,
    headers,
  });
  const answered = Promise.withResolvers<Upgraded>();
  sent.on("error", answered.reject);
  sent.on("response", ({ statusCode = 0 }) => {
    answered.resolve({ status: statusCode, isAccepted: false, isHub: false, isClosedByPeer: false });
    sent.destroy();
  });
  sent.on("upgrade", (response, stream, head) => {
    const isAccepted = response.headers["sec-websocket-accept"] === acceptOf(key);
    const isHub = response.headers[connectionIdHeader] !== undefined;
    void isClosing(stream, head, signal).then((isClosedByPeer) =>
      answered.resolve({ status: 101, isAccepted, isHub, isClosedByPeer }),
    );
  });
  sent.end();
  return answered.promise;
}

/** What an error of the network says, briefly. */
export function reasonOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === "AbortError" || name === "TimeoutError") return `no answer within ${stepTimeoutMs / 1000} s`;
  return code ?? message;
}

/** Sends a close frame (RFC 6455, 5.5.1: status 1000, masked) and waits for the peer's. */
async function isClosing(stream: Duplex, head: Buffer, signal: AbortSignal): Promise<boolean> {
  const mask = randomBytes(4);
  // Told to whoever waits below; there may be nobody any more.
  stream.on("error", () => undefined);
  const status = Buffer.from([0x03 ^ (mask[0] ?? 0), 0xe8 ^ (mask[1] ?? 0)]);
  try {
    stream.write(Buffer.concat([Buffer.from([0x88, 0x82]), mask, status]));
    let received = head;
    while (received.length === 0) {
      const [chunk] = (await once(stream, "data", { signal })) as [Buffer];
      received = chunk;
    }
    // The hub says nothing before a primary has introduced itself: the first frame is its close.
    return received[0] === 0x88;
  } catch {
    // Cut off, or silent until the end: the answer is that it did not close.
    return false;
  } finally {
    stream.destroy();
  }
}

function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

function verification(target: Target): Pick<RequestOptions, "ca" | "minVersion" | "allowPartialTrustChain"> {
  const allowPartialTrustChain = target.isPartialChainEnough === true;
  return { ca: [...target.ca], minVersion: "TLSv1.2", allowPartialTrustChain };
}

function nameOf(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let one = socket.getPeerX509Certificate(); one !== undefined; one = one.issuerCertificate) {
    if (chain.some(({ fingerprint256 }) => fingerprint256 === one?.fingerprint256)) break;
    chain.push(one);
  }
  return chain;
}
