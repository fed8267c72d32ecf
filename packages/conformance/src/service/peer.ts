import { readCommandAnswer, type Clock, type CommandAnswer } from "@sallyport/nbwss";
import { Failed, Skipped } from "../check.ts";
import { defaultServiceTiming, type ServiceTiming } from "../limits.ts";
import { is, message, payloadOf, shown, type Incoming, type Outgoing } from "../message.ts";
import type { Wire } from "../wire.ts";
import type { PrimaryListener } from "./listener.ts";

/** What the peer is made of. */
export interface PrimaryPeerOptions {
  listener: PrimaryListener;
  timing?: Partial<ServiceTiming> | undefined;
  clock: Clock;
  /** Told when somebody has to do something at the primary. */
  waiting: (forWhat: string) => void;
}

/** A REST call to be made by the primary. */
export interface Call {
  uri: string;
  method?: string;
  headers?: unknown;
  parameters?: unknown;
}

/** A COMMAND RESPONSE as it came and as it is read. */
export interface Answer extends CommandAnswer {
  incoming: Incoming;
}

/** What a REST call of NetBackup needs at least. */
export const netbackupHeaders = { "Content-Type": "application/vnd.netbackup+json;version=12.0" };

/** A primary under test, as a cloud application sees it. Checks share its connection as long as they leave it whole. */
export class PrimaryPeer {
  readonly timing: ServiceTiming;
  readonly listener: PrimaryListener;
  readonly clock: Clock;
  readonly waiting: (forWhat: string) => void;
  #contact: { wire: Wire; connect: Incoming } | undefined;
  #session: Wire | undefined;
  #hasCome = false;
  #isAbsent = false;

  constructor(options: PrimaryPeerOptions) {
    this.listener = options.listener;
    this.timing = { ...defaultServiceTiming, ...options.timing };
    this.clock = options.clock;
    this.waiting = options.waiting;
  }

  /** A connection whose first message has come and is not yet answered; ends the present one for it. @throws Failed, Skipped */
  async contact(): Promise<{ wire: Wire; connect: Incoming }> {
    if (this.#contact?.wire.isOpen === true) return this.#contact;
    this.#session?.close(1012, "another check needs a new connection");
    this.#session = undefined;
    const wire = await this.#arrival();
    const anything = () => true;
    const connect = await wire.take(anything, "a CONNECT REQUEST", this.timing.closeMs);
    this.#contact = { wire, connect };
    return this.#contact;
  }

  /** Answers a contact. @param text how the CONNECT RESPONSE is written; compact unless said */
  answer(valid: boolean, write: (message: Outgoing) => string = JSON.stringify): Wire {
    const contact = this.#contact;
    if (contact === undefined) throw new TypeError("nothing has come that could be answered");
    this.#contact = undefined;
    const { wire } = contact;
    const id = String(contact.connect.value["id"]);
    wire.sendText(write(message("CONNECT RESPONSE", { valid }, id)));
    if (valid) this.#session = wire;
    return wire;
  }

  /** An established connection: the present one, or the next. @throws Failed, Skipped */
  async session(): Promise<Wire> {
    if (this.#session?.isOpen === true) return this.#session;
    await this.contact();
    return this.answer(true);
  }

  /** Sends a command and waits for its answer. @throws Failed */
  async command(wire: Wire, call: Call, write: (message: Outgoing) => string = JSON.stringify) {
    const request = commandRequest(call);
    wire.sendText(write(request));
    return this.answerTo(wire, request.id);
  }

  /** Waits for the answer to a command. @throws Failed */
  async answerTo(wire: Wire, id: string): Promise<Answer> {
    const expected = `COMMAND RESPONSE of id ${id}`;
    const incoming = await wire.take(is("COMMAND RESPONSE", id), expected, this.timing.answerMs);
    try {
      return { ...readCommandAnswer(payloadOf(incoming)), incoming };
    } catch (error) {
      throw new Failed("a readable COMMAND RESPONSE", `${(error as Error).message}: ${shown(incoming.text)}`);
    }
  }

  /** The connection still does its work: a command is answered. @throws Failed */
  async works(wire: Wire): Promise<void> {
    await this.command(wire, { uri: "/netbackup/ping" });
  }

  /** A notification that waits for its acknowledgement, or the next. @throws Skipped when none comes */
  async notification(wire: Wire): Promise<Incoming> {
    const { notificationMs = 0 } = this.timing;
    const request = is("NOTIFICATION REQUEST");
    const waitingTooLong = this.clock.after(this.timing.quietMs, () =>
      this.waiting("start a backup on the primary, so that it has something to notify"),
    );
    try {
      return await wire.take(request, "a NOTIFICATION REQUEST", notificationMs);
    } catch {
      throw new Skipped(`the primary has sent no notification within ${notificationMs} ms`);
    } finally {
      waitingTooLong.cancel();
    }
  }

  async #arrival(): Promise<Wire> {
    if (this.#isAbsent && !this.#hasCome) throw new Skipped("no primary has connected");
    if (!this.#hasCome) this.waiting("add the endpoint on the primary and activate it");
    const patienceMs = this.#hasCome ? this.timing.reconnectMs : this.timing.dialMs;
    // A primary that stayed away once is not waited for at length again.
    const withinMs = this.#isAbsent ? this.timing.quietMs : patienceMs;
    const arrival = await this.listener.next(withinMs);
    if (arrival !== undefined) {
      this.#hasCome = true;
      this.#isAbsent = false;
      return arrival;
    }
    if (this.#isAbsent) throw new Skipped("the primary has not come back");
    this.#isAbsent = true;
    const what = this.#hasCome ? "that the primary connects again" : "that the primary connects";
    throw new Failed(what, `no connection within ${withinMs} ms`);
  }
}

/** A COMMAND REQUEST with NetBackup's headers unless others are given. */
export function commandRequest({
  uri,
  method = "GET",
  headers = netbackupHeaders,
  parameters,
}: Call): Outgoing {
  const body = parameters === undefined ? {} : { parameters };
  return message("COMMAND REQUEST", { uri, method, headers, ...body });
}
