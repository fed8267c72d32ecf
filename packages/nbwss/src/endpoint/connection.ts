import { isUtf8 } from "node:buffer";
import {
  acknowledgementPayload,
  readCommandAnswer,
  type CommandAnswer,
  type Dialect,
  type PeerDialect,
} from "../answer.ts";
import type { Channel } from "../channel.ts";
import type { Clock } from "../clock.ts";
import type { CloseInfo } from "../close-codes.ts";
import { NbwssError } from "../errors.ts";
import type { StreamedAnswer, StreamedCommand } from "../extension/command.ts";
import { StreamedCommands } from "../extension/commands.ts";
import { Streams } from "../extension/streams.ts";
import type { NbwssLimits } from "../limits.ts";
import { newMessageId } from "../message-id.ts";
import type { Command, CommandResponse, Health, Hello, Message, Move } from "../message.ts";
import { RequestTable, type WaitOptions } from "../request-table.ts";
import type { ConnectionTerms } from "../subprotocol.ts";

/** What a connection of an endpoint is made of. */
export interface EndpointConnectionOptions<Identity> {
  identity: Identity;
  remoteAddress: string;
  terms: ConnectionTerms;
  channel: Channel;
  clock: Clock;
  limits: NbwssLimits;
  /** A response came on a stream that nobody waits for any more. */
  lateResponse(id: string): void;
}

/** A primary that has proved itself, as the endpoint (the cloud side) sees it. */
export class EndpointConnection<Identity> {
  /** What `authenticate` returned for the primary's token. */
  readonly identity: Identity;
  readonly remoteAddress: string;
  /** What both ends call this connection. */
  readonly trackingId: string;
  /** Whether the primary speaks `sallyport.v1` too. */
  readonly extended: boolean;
  /** Epoch ms. */
  readonly connectedAtMs: number;
  /** How this primary speaks; may be set at any time, and holds for what comes after. */
  dialect: PeerDialect = {};
  /** Resolves when the connection is gone. */
  readonly closed: Promise<CloseInfo>;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #commands: RequestTable<CommandResponse["payload"]>;
  readonly #limits: NbwssLimits;
  /** Undefined under NBWSS 1.0. */
  readonly #streams: Streams | undefined;
  readonly #streamed: StreamedCommands | undefined;
  #lastSeenAtMs: number;
  #health: { health: Health; atMs: number } | undefined;

  constructor(options: EndpointConnectionOptions<Identity>) {
    this.identity = options.identity;
    this.remoteAddress = options.remoteAddress;
    this.trackingId = options.terms.trackingId ?? "";
    this.extended = options.terms.extended;
    this.#channel = options.channel;
    this.#clock = options.clock;
    this.#commands = new RequestTable(options.clock, options.limits.maxInFlight);
    this.#limits = options.limits;
    if (this.extended) {
      const { channel, limits, clock } = options;
      this.#streams = new Streams({
        channel,
        clock,
        limits,
        head: (stream, frame) => this.#streamed?.onHead(stream, frame),
        late: (id) => options.lateResponse(String(id)),
      });
      this.#streamed = new StreamedCommands(this.#streams, clock, limits.maxInFlight);
    }
    this.connectedAtMs = options.clock.now();
    this.#lastSeenAtMs = this.connectedAtMs;
    this.closed = options.channel.closed;
  }

  /** Epoch ms of the last sign of life: a message, a ping or a pong. */
  get lastSeenAtMs(): number {
    return this.#lastSeenAtMs;
  }

  /** What the primary last said of itself, and when (epoch ms); undefined when it has not. */
  get health(): { health: Health; atMs: number } | undefined {
    return this.#health;
  }

  /** Commands that wait for their response, or for the rest of it. */
  get inFlight(): number {
    return this.#commands.size + (this.#streamed?.size ?? 0);
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  /**
   * Has the primary call its REST API and waits for the answer (NBWSS, COMMAND).
   * @param dialect member names of this primary's responses; those of `this.dialect` unless said
   * @throws NbwssError `not_established`, `busy` or `too_large` when nothing was sent; `timeout`, `cancelled` or
   *   `lost` when the call may have been carried out; `not_a_response` when the answer can't be read
   */
  async command(command: Command, wait: WaitOptions, dialect?: Dialect): Promise<CommandAnswer> {
    if (this.#streamed !== undefined) {
      const { parameters: body, ...rest } = command;
      this.#requireRoom();
      return this.#streamed.ask({ ...rest, body }, wait, this.#limits.maxMessageBytes);
    }
    const id = newMessageId();
    const send = () =>
      this.#channel.send({ ...this.#envelope(id), type: "COMMAND", subType: "REQUEST", payload: command });
    const payload = await this.#commands.request(id, send, wait);
    return readCommandAnswer(payload, dialect ?? this.dialect);
  }

  /**
   * The same with bodies that need not be text, and of any length under `sallyport.v1`: resolves when status and headers are there, and the
   * answer's body is a stream unless it is small. The deadline is for its head, not for the body. A primary that speaks NBWSS 1.0 only gets
   * what it can be sent: a body that is whole and text.
   * @throws NbwssError as `command`; under NBWSS 1.0 `too_large` for a streamed body, `not_text` for one that is not UTF-8
   */
  async open(command: StreamedCommand, wait: WaitOptions): Promise<StreamedAnswer> {
    if (this.#streamed !== undefined) {
      this.#requireRoom();
      return this.#streamed.open(command, wait);
    }
    const { body, bodyBytes: _, ...rest } = command;
    if (body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body)) {
      throw new NbwssError("too_large", "NBWSS 1.0 carries whole bodies only");
    }
    if (Buffer.isBuffer(body) && !isUtf8(body))
      throw new NbwssError("not_text", "NBWSS 1.0 carries text only");
    const parameters = body?.toString();
    const answer = await this.command(parameters === undefined ? rest : { ...rest, parameters }, wait);
    return { ...answer, bodyBytes: undefined };
  }

  /**
   * Asks the primary to leave at a moment of its own (Sallyport's extension, MOVE).
   * @returns false when it speaks NBWSS 1.0 only, or has gone: nothing was sent
   */
  move(move: Move): boolean {
    if (!this.extended || !this.isOpen) return false;
    const envelope = this.#envelope(newMessageId());
    this.#channel.send({ ...envelope, type: "SALLYPORT", subType: "MOVE", payload: move });
    return true;
  }

  /**
   * Closes the connection; commands that wait fail with `lost`, and nothing that comes after is taken.
   * @param timeoutMs after which a primary that does not answer is cut off; `closeTimeoutMs` unless said
   */
  close(code: number, reason: string, timeoutMs?: number): void {
    this.#failAll(`the connection was closed (${code} ${reason})`);
    this.#channel.close(code, reason, timeoutMs);
  }

  /** For the endpoint: the peer gave a sign of life. */
  noteAlive(): void {
    this.#lastSeenAtMs = this.#clock.now();
  }

  /** For the endpoint: says that it knows the extension, and what it asks for; nothing to who does not know it. */
  greet(payload: Hello): void {
    if (!this.extended || !this.isOpen) return;
    const envelope = this.#envelope(newMessageId());
    this.#channel.send({ ...envelope, type: "SALLYPORT", subType: "HELLO", payload });
  }

  /** For the endpoint: the primary said how it is. */
  noteHealth(health: Health): void {
    this.#health = { health, atMs: this.#clock.now() };
  }

  /** For the endpoint: a binary message came. @throws DecodeError `bad_frame` or `too_large`: the connection has to end */
  takeFrame(data: Buffer): void {
    this.#streams?.receive(data);
  }

  /** For the endpoint: a COMMAND RESPONSE came. */
  settleCommand(id: string, payload: CommandResponse["payload"]): boolean {
    return this.#commands.settle(id, payload);
  }

  /** For the endpoint: the connection has ended. */
  noteGone(info: CloseInfo): void {
    this.#failAll(`the connection ended (${info.code} ${info.reason})`.replace(" )", ")"));
  }

  /** For the endpoint: acknowledges the notification, or the gap, of this id, which is safely stored. */
  acknowledge(id: string): void {
    this.#channel.sendOrCut({
      ...this.#envelope(id),
      type: "NOTIFICATION",
      subType: "RESPONSE",
      payload: acknowledgementPayload(this.dialect),
    });
  }

  /** A stream takes part of the bound until its answer is whole. */
  #requireRoom(): void {
    if (!this.isOpen) throw new NbwssError("not_established", "the connection has ended; nothing was sent");
    const { maxInFlight } = this.#limits;
    if (this.inFlight < maxInFlight) return;
    throw new NbwssError(
      "busy",
      `${maxInFlight} requests are waiting on this connection already; try again later`,
    );
  }

  #failAll(why: string): void {
    const error = lost(why);
    this.#commands.failAll(error);
    this.#streams?.failAll(error);
  }

  #envelope(id: string): Pick<Message, "version" | "id" | "timeStamp"> {
    return { version: "1.0", id, timeStamp: Math.floor(this.#clock.now() / 1000) };
  }
}

function lost(why: string): NbwssError {
  return new NbwssError("lost", `${why} before the response came; the command may have been carried out`);
}
