import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Clock, Timer } from "./clock.ts";
import type { CloseInfo } from "./close-codes.ts";
import { encodeMessage } from "./codec.ts";
import { NbwssError } from "./errors.ts";
import { Lanes, type Lane } from "./lanes.ts";
import type { NbwssLimits } from "./limits.ts";
import type { Message } from "./message.ts";

/** While more than this waits in the socket, what comes after it waits in lanes, bytes: some round trips' worth, no more. */
const highWaterBytes = 256 * 1024;
/** What is longer goes last, UTF-16 units. */
const bulkUnits = 64 * 1024;

const unreadReason = "the peer does not read what it is sent";

/** What happens on a channel. Handlers must not throw. */
export interface ChannelHandler {
  /** A text message came. */
  text(text: string): void;
  /** A binary message came; NBWSS 1.0 has none. */
  binary(data: Buffer): void;
  /** A pong, a ping or a message came: the peer lives. */
  alive(): void;
}

/** Messages over one open WebSocket: written together per turn of the event loop, bounded, closed once. */
export class Channel {
  readonly #socket: WebSocket;
  readonly #stream: Duplex | undefined;
  readonly #limits: NbwssLimits;
  readonly #clock: Clock;
  readonly #lanes = new Lanes();
  #corked = false;
  #closeTimer: Timer | undefined;
  #ownClose: CloseInfo | undefined;
  #bulkMayGo: (() => void) | undefined;
  #peerCloseCode: number | undefined;

  /** Resolves when the socket is gone, with the peer's close code or this side's reason for cutting it. */
  readonly closed: Promise<CloseInfo>;

  /**
   * @param stream the TCP or TLS stream under the WebSocket, when known: several messages of one turn then
   *   leave in one write
   */
  constructor(socket: WebSocket, stream: Duplex | undefined, limits: NbwssLimits, clock: Clock) {
    this.#socket = socket;
    this.#stream = stream;
    this.#limits = limits;
    this.#clock = clock;
    this.closed = new Promise((resolve) => {
      let failure = "";
      let isOwnDoing = false;
      // `close` always follows; the error is only remembered as the reason.
      socket.on("error", (error: NodeJS.ErrnoException) => {
        failure = error.message;
        // ws has closed for what came, and the peer repeats the code.
        isOwnDoing ||= error.code?.startsWith("WS_ERR_") === true;
      });
      socket.on("close", (code, reason) => {
        this.#closeTimer?.cancel();
        if (!isOwnDoing && this.#ownClose === undefined) this.#peerCloseCode = code;
        resolve(this.#ownClose ?? { code, reason: reason.toString() || failure });
      });
    });
  }

  /** Starts to hand what comes to `handler`. */
  listen(handler: ChannelHandler): void {
    this.#socket.on("message", (data, isBinary) => {
      handler.alive();
      if (isBinary) handler.binary(data as Buffer);
      else handler.text((data as Buffer).toString("utf8"));
    });
    this.#socket.on("pong", () => handler.alive());
    this.#socket.on("ping", () => handler.alive());
  }

  /** With what the peer closed; undefined while the channel is open, and when this side did. */
  get peerCloseCode(): number | undefined {
    return this.#peerCloseCode;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /**
   * Sends one message.
   * @throws NbwssError `lost` when the connection has ended, `busy` when too much waits for a slow reader,
   *   `too_large`; in each case nothing was sent
   */
  send(message: Message): void {
    if (!this.isOpen) throw new NbwssError("not_established", "the connection has ended; nothing was sent");
    if (this.isFull) {
      throw new NbwssError("busy", `${this.#unread} bytes wait for the peer to read; nothing more was sent`);
    }
    const text = encodeMessage(message, this.#limits);
    this.#cork();
    if (this.#lanes.length > 0 || this.#socket.bufferedAmount > highWaterBytes) {
      this.#lanes.push(laneOf(message, text), text);
    } else this.#write(text);
  }

  /**
   * Sends what is small and nobody would send again, such as an acknowledgement; nothing when the connection has ended. A peer that reads so
   * slowly that even this finds no room is cut off.
   */
  sendOrCut(message: Message): void {
    if (!this.isOpen) return;
    if (this.isFull) this.cut(unreadReason);
    else this.send(message);
  }

  /**
   * Sends one frame of `sallyport.v1`, or has it wait in its lane; nothing when the connection has ended. A peer that reads so slowly that
   * even what is small piles up is cut off.
   */
  sendFrame(frame: Buffer, lane: Lane): void {
    if (!this.isOpen) return;
    if (this.isFull) {
      this.cut(unreadReason);
      return;
    }
    this.#cork();
    if (this.#lanes.length > 0 || this.#socket.bufferedAmount > highWaterBytes) this.#lanes.push(lane, frame);
    else this.#write(frame);
  }

  /** Whether another piece of a body may be sent without others piling up behind it. */
  get isBulkFree(): boolean {
    return this.isOpen && this.#lanes.count("bulk") === 0;
  }

  /** Calls `listener` when another piece of a body may be sent. Replaces the listener before. */
  onBulkFree(listener: () => void): void {
    this.#bulkMayGo = listener;
  }

  /** Messages that wait behind what the peer has not read yet; each lane in its turn. */
  get waiting(): number {
    return this.#lanes.length;
  }

  /** Whether more than `maxBufferedBytes` wait for the peer: then nothing more is sent. */
  get isFull(): boolean {
    return this.#unread > this.#limits.maxBufferedBytes;
  }

  get #unread(): number {
    return this.#socket.bufferedAmount + this.#lanes.units;
  }

  ping(): void {
    if (this.isOpen) this.#socket.ping();
  }

  /** Stops reading, so that the peer has to wait. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes with a handshake; a peer that does not answer it within `timeoutMs` is cut off. */
  close(code: number, reason: string, timeoutMs: number = this.#limits.closeTimeoutMs): void {
    if (this.#socket.readyState === WebSocket.CLOSED || this.#closeTimer !== undefined) return;
    this.#ownClose ??= { code, reason };
    this.#closeTimer = this.#clock.after(timeoutMs, () => this.#socket.terminate());
    // A paused socket would never see the peer's close frame.
    this.#socket.resume();
    this.#socket.close(code, truncateReason(reason));
  }

  /** Cuts the socket at once, for a peer that can't be reached anyhow. */
  cut(reason: string): void {
    this.#ownClose ??= { code: 1006, reason };
    this.#socket.terminate();
  }

  #write(message: string | Buffer): void {
    if (this.#socket.bufferedAmount + message.length <= highWaterBytes) this.#socket.send(message);
    // Comes when it has left, or when the connection has ended: then nothing more is to be done.
    else this.#socket.send(message, () => this.#drain());
  }

  #drain(): void {
    while (this.isOpen && this.#socket.bufferedAmount <= highWaterBytes) {
      const message = this.#lanes.shift();
      if (message === undefined) break;
      this.#write(message);
    }
    if (this.isBulkFree) this.#bulkMayGo?.();
  }

  #cork(): void {
    if (this.#corked || this.#stream === undefined) return;
    this.#corked = true;
    const stream = this.#stream;
    stream.cork();
    setImmediate(() => {
      this.#corked = false;
      stream.uncork();
    });
  }
}

function laneOf(message: Message, text: string): Lane {
  const { type, subType } = message;
  if (type === "CONNECT") return "control";
  // In one lane, however large: what is numbered must not overtake.
  if (type === "NOTIFICATION" && subType === "REQUEST" && message.position !== undefined)
    return "notification";
  if (text.length > bulkUnits) return "bulk";
  if (type === "COMMAND") return "command";
  return subType === "RESPONSE" ? "acknowledgement" : "notification";
}

/** A close frame has room for 123 bytes of reason (RFC 6455, 5.5). */
function truncateReason(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > 123) text = text.slice(0, -1);
  return text;
}
