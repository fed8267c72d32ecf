import { once } from "node:events";
import { systemClock, type Clock } from "@sallyport/nbwss";
import { WebSocket, type ClientOptions } from "ws";
import { expect, Failed } from "../check.ts";
import { freshJobId, jobEntry } from "../items.ts";
import { defaultEndpointTiming, type EndpointTiming } from "../limits.ts";
import { is, message, payloadOf, shown, type Incoming, type Outgoing } from "../message.ts";
import { Wire, type WireOptions } from "../wire.ts";

/** The endpoint under test and how to reach it. */
export interface EndpointPeerOptions {
  /** Its `wss://` URL. */
  url: string;
  /** A token that it accepts. */
  token: string;
  /** Authority to trust beside the system's, PEM. */
  ca?: string | undefined;
  timing?: Partial<EndpointTiming> | undefined;
  clock?: Clock | undefined;
  /** Told when the cloud application has to do something. */
  waiting?: ((forWhat: string) => void) | undefined;
}

/** An endpoint under test, as a primary sees it. */
export class EndpointPeer {
  readonly url: URL;
  readonly token: string;
  readonly ca: string | undefined;
  readonly timing: EndpointTiming;
  readonly clock: Clock;
  readonly waiting: (forWhat: string) => void;

  constructor(options: EndpointPeerOptions) {
    this.url = new URL(options.url);
    this.token = options.token;
    this.ca = options.ca;
    this.timing = { ...defaultEndpointTiming, ...options.timing };
    this.clock = options.clock ?? systemClock;
    this.waiting = options.waiting ?? (() => {});
  }

  /** Opens a WebSocket and sends nothing. @throws Failed */
  async open(options: Partial<WireOptions> = {}, more: ClientOptions = {}): Promise<Wire> {
    const trust = this.ca === undefined ? {} : { ca: this.ca };
    const socket = new WebSocket(this.url, {
      ...trust,
      autoPong: false,
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: Math.max(this.timing.answerMs, defaultEndpointTiming.answerMs),
      maxPayload: 4 * this.timing.maxMessageBytes,
      ...more,
    });
    const wire = new Wire(socket, { clock: this.clock, ...options });
    try {
      await once(socket, "open");
    } catch (error) {
      throw new Failed(`a WebSocket connection to ${this.url.href}`, (error as Error).message);
    }
    return wire;
  }

  /** Opens a WebSocket and sends this CONNECT REQUEST. */
  async openWith(connect: Outgoing | string): Promise<Wire> {
    const wire = await this.open();
    wire.sendText(typeof connect === "string" ? connect : JSON.stringify(connect));
    return wire;
  }

  /** A good CONNECT REQUEST. */
  connectRequest(token: unknown = this.token): Outgoing {
    return message("CONNECT REQUEST", { token });
  }

  /** Connects and is accepted. @throws Failed */
  async connect(options: Partial<WireOptions> = {}): Promise<Wire> {
    const wire = await this.open(options);
    const request = this.connectRequest();
    wire.send(request);
    await this.accepted(wire, request.id);
    return wire;
  }

  /** Waits for `valid:true`. @throws Failed */
  async accepted(wire: Wire, id: string): Promise<Incoming> {
    const answer = await this.verdict(wire, id);
    const { valid } = payloadOf(answer);
    expect(valid === true, "CONNECT RESPONSE with valid:true", () => shown(answer.text));
    return answer;
  }

  /** Waits for the answer to a CONNECT REQUEST. @throws Failed */
  verdict(wire: Wire, id: string): Promise<Incoming> {
    return wire.take(is("CONNECT RESPONSE", id), `CONNECT RESPONSE of id ${id}`, this.timing.answerMs);
  }

  /** Waits for a notification's acknowledgement. @throws Failed */
  acknowledged(wire: Wire, id: string): Promise<Incoming> {
    const expected = `NOTIFICATION RESPONSE of id ${id}`;
    return wire.take(is("NOTIFICATION RESPONSE", id), expected, this.timing.answerMs);
  }

  /** Sends a notification and waits for its acknowledgement. @throws Failed */
  async notify(wire: Wire, payload: unknown): Promise<Incoming> {
    const request = message("NOTIFICATION REQUEST", payload);
    wire.send(request);
    return this.acknowledged(wire, request.id);
  }

  /** The connection still does its work: a notification is acknowledged. @throws Failed */
  async works(wire: Wire): Promise<void> {
    await this.notify(wire, [jobEntry(freshJobId())]);
  }

  /** The connection is not served: no `valid:true` and no acknowledgement come. @throws Failed */
  unserved(wire: Wire, expected: string): Promise<void> {
    const served = (incoming: Incoming) =>
      is("NOTIFICATION RESPONSE")(incoming) ||
      (is("CONNECT RESPONSE")(incoming) && payloadOf(incoming)["valid"] === true);
    return wire.never(served, expected, this.timing.quietMs);
  }
}
