import { readCommandAnswer, type CommandAnswer, type Dialect } from "../answer.ts";
import type { Channel } from "../channel.ts";
import type { Clock } from "../clock.ts";
import type { CloseInfo } from "../close-codes.ts";
import { NbwssError } from "../errors.ts";
import type { NbwssLimits } from "../limits.ts";
import { newMessageId } from "../message-id.ts";
import type { Command, CommandResponse, NotificationRequest } from "../message.ts";
import { RequestTable, type WaitOptions } from "../request-table.ts";

/** What a connection of an endpoint is made of. */
export interface EndpointConnectionOptions<Identity> {
  identity: Identity;
  remoteAddress: string;
  channel: Channel;
  clock: Clock;
  limits: NbwssLimits;
}

/** A primary that has proved itself, as the endpoint (the cloud side) sees it. */
export class EndpointConnection<Identity> {
  /** What `authenticate` returned for the primary's token. */
  readonly identity: Identity;
  readonly remoteAddress: string;
  /** Epoch ms. */
  readonly connectedAtMs: number;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<CloseInfo>;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #commands: RequestTable<CommandResponse["payload"]>;
  #lastSeenAtMs: number;

  constructor(options: EndpointConnectionOptions<Identity>) {
    this.identity = options.identity;
    this.remoteAddress = options.remoteAddress;
    this.#channel = options.channel;
    this.#clock = options.clock;
    this.#commands = new RequestTable(options.clock, options.limits.maxInFlight);
    this.connectedAtMs = options.clock.now();
    this.#lastSeenAtMs = this.connectedAtMs;
    this.closed = options.channel.closed;
  }

  /** Epoch ms of the last sign of life: a message, a ping or a pong. */
  get lastSeenAtMs(): number {
    return this.#lastSeenAtMs;
  }

  /** Commands that wait for their response. */
  get inFlight(): number {
    return this.#commands.size;
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  /**
   * Has the primary call its REST API and waits for the answer (NBWSS, COMMAND).
   * @param dialect member names of this primary's responses, where they are known
   * @throws NbwssError `not_established`, `busy` or `too_large` when nothing was sent; `timeout`, `cancelled` or
   *   `lost` when the call may have been carried out; `not_a_response` when the answer can't be read
   */
  async command(command: Command, wait: WaitOptions, dialect?: Dialect): Promise<CommandAnswer> {
    const id = newMessageId();
    const send = () =>
      this.#channel.send({
        version: "1.0",
        id,
        type: "COMMAND",
        subType: "REQUEST",
        timeStamp: Math.floor(this.#clock.now() / 1000),
        payload: command,
      });
    return readCommandAnswer(await this.#commands.request(id, send, wait), dialect);
  }

  /** Closes the connection; commands that wait fail with `lost`. */
  close(code: number, reason: string): void {
    this.#commands.failAll(lost(`the connection was closed (${code} ${reason})`));
    this.#channel.close(code, reason);
  }

  /** For the endpoint: the peer gave a sign of life. */
  noteAlive(): void {
    this.#lastSeenAtMs = this.#clock.now();
  }

  /** For the endpoint: a COMMAND RESPONSE came. */
  settleCommand(id: string, payload: CommandResponse["payload"]): boolean {
    return this.#commands.settle(id, payload);
  }

  /** For the endpoint: the connection has ended. */
  noteGone(info: CloseInfo): void {
    this.#commands.failAll(lost(`the connection ended (${info.code} ${info.reason})`.replace(" )", ")")));
  }

  /** For the endpoint: acknowledges a notification that is safely stored. */
  acknowledge(notification: NotificationRequest): void {
    this.#channel.send({
      version: "1.0",
      id: notification.id,
      type: "NOTIFICATION",
      subType: "RESPONSE",
      timeStamp: Math.floor(this.#clock.now() / 1000),
      payload: [],
    });
  }
}

function lost(why: string): NbwssError {
  return new NbwssError("lost", `${why} before the response came; the command may have been carried out`);
}
